"""access.log and error.log of nginx.

Attacks are searches for programs that are not there (what fail2ban's nginx-botsearch counts in an access log) and wrong
passwords of basic authentication (nginx-http-auth, error log).
"""
import functools
import time

from logs import Crowd, spread_over

BROWSERS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/7.88.1"]
PAGES = ["/", "/index.html", "/assets/app.%d.js", "/api/v1/items/%d", "/images/%d.jpg", "/static/css/site.css", "/blog/%d/",
         "/search?q=%d"]
PROBES = ["/phpmyadmin/scripts/setup.php", "/wp-login.php", "/pma/index.php", "/cgi-bin/luci", "/admin/mysql/index.php",
          "/.git/config", "/roundcube/index.php"]


@functools.lru_cache(4)
def stamp(second, form):
    return time.strftime(form, time.gmtime(second))


def access(count, dice, end, failing=0.01, guessers=500):
    crowd = Crowd(dice, failing, guessers)
    for second in spread_over(count, end):
        attack, ip = crowd.next()
        at, browser = stamp(second, "%d/%b/%Y:%H:%M:%S +0000"), dice.choice(BROWSERS)
        if attack:
            yield '%s - - [%s] "GET %s HTTP/1.1" 404 %d "-" "%s"' % (ip, at, dice.choice(PROBES), dice.randrange(150, 600), browser)
            continue
        page = dice.choice(PAGES)
        page = page % dice.randrange(100_000) if "%d" in page else page
        status = dice.choices([200, 304, 301, 404, 500], [80, 10, 5, 4, 1])[0]
        yield '%s - - [%s] "%s %s HTTP/1.1" %d %d "https://www.example.org/" "%s"' % (
            ip, at, dice.choices(["GET", "POST"], [9, 1])[0], page, status, dice.randrange(100, 90_000), browser)


def error(count, dice, end, failing=0.01, guessers=500):
    crowd = Crowd(dice, failing, guessers)
    for n, second in enumerate(spread_over(count, end)):
        attack, ip = crowd.next()
        number = dice.randrange(999)
        if attack:
            user = dice.choice(["admin", "root", "test"])
            text = dice.choice(['user "%s" was not found in "/etc/nginx/htpasswd"', 'user "%s": password mismatch']) % user
            page = "admin/"
        else:
            text = dice.choice([
                'open() "/var/www/html/favicon%d.ico" failed (2: No such file or directory)' % number,
                "upstream timed out (110: Connection timed out) while reading response header from upstream",
                'FastCGI sent in stderr: "PHP message: PHP Notice: Undefined index: id%d in /var/www/app.php on line 12" while '
                "reading response header from upstream" % number])
            page = "x%d" % number
        yield '%s [error] 1234#1234: *%d %s, client: %s, server: www.example.org, request: "GET /%s HTTP/1.1", host: "www.example.org"' % (
            stamp(second, "%Y/%m/%d %H:%M:%S"), n, text, ip, page)
