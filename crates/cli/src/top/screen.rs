//! The model, drawn: a line of health, a line of sums, the jails, the newest bans and the attackers who tried most.
//!
//! A wide screen has the last two beside each other, a small one below each other; what has no room is left out from
//! the bottom of each list. Text from logs is cleared of control characters.

use super::model::Model;
use crate::time::local;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table};
use wire::{Ban, JailStatus, Status};

/// From this width on two lists stand beside each other.
const WIDE: u16 = 150;
/// From this width on a jail's first source is shown.
const ROOM_FOR_SOURCES: u16 = 100;
/// Rows of bans that a small screen keeps room for.
const FEWEST: u16 = 4;

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, coloured: bool) {
    let Some(status) = &model.status else {
        return;
    };
    let paint = Paint { coloured };
    let jails = u16::try_from(status.jails.len())
        .unwrap_or(u16::MAX)
        .saturating_add(1);
    let [head, sums, _, list, _, rest, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Max(jails),
        Constraint::Length(1),
        Constraint::Min(2 * FEWEST),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(health(model, status, &paint)), head);
    frame.render_widget(Paragraph::new(all(model, status)), sums);
    frame.render_widget(jail_table(model, status, &paint, list), list);
    let halves = match rest.width >= WIDE {
        true => Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).spacing(3),
        false => Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).spacing(1),
    };
    let [newest, most]: [Rect; 2] = halves.areas(rest);
    let bans: Vec<&Ban> = model.bans.iter().collect();
    frame.render_widget(ban_table("NEWEST BANS", &bans, &paint), newest);
    frame.render_widget(ban_table("MOST FAILURES", &model.attackers(), &paint), most);
    let keys = Line::from("q quits; rates are those of the last minute").style(paint.faint());
    frame.render_widget(Paragraph::new(keys), foot);
}

/// Colours, for terminals whose owner wants them.
struct Paint {
    coloured: bool,
}

impl Paint {
    fn in_colour(&self, colour: Color) -> Style {
        match self.coloured {
            true => Style::new().fg(colour),
            false => Style::new(),
        }
    }

    fn heading(&self) -> Style {
        self.in_colour(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    fn faint(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }
}

fn health<'a>(model: &'a Model, status: &'a Status, paint: &Paint) -> Line<'a> {
    let name = Span::from("stockade ").style(Style::new().add_modifier(Modifier::BOLD));
    let (text, colour) = match (&model.trouble, status.problems.as_slice()) {
        (Some(why), _) => (first_line(why), Color::Red),
        (None, []) => ("ok".to_owned(), Color::Green),
        (None, [one]) => (safe(one), Color::Yellow),
        (None, [first, more @ ..]) => (
            format!("{} (and {} more)", safe(first), more.len()),
            Color::Yellow,
        ),
    };
    Line::from(vec![name, Span::from(text).style(paint.in_colour(colour))])
}

fn all(model: &Model, status: &Status) -> Line<'static> {
    let rates = model.all_rates();
    let banned: u64 = status.jails.iter().map(|jail| jail.banned).sum();
    let kernel = match status.enforcement.in_sync {
        true => "ok",
        false => "behind",
    };
    let up = span(model.now - status.started);
    Line::from(format!(
        "up {up}   jails {}   failures/min {:.0}   bans/min {:.1}   banned {banned}   kernel {kernel}",
        status.jails.len(),
        rates.failures,
        rates.bans,
    ))
}

fn jail_table<'a>(model: &Model, status: &'a Status, paint: &Paint, area: Rect) -> Table<'a> {
    let mut jails: Vec<&JailStatus> = status.jails.iter().collect();
    // Where there is no room for all, those at which something happens come first.
    if jails.len() >= usize::from(area.height) {
        jails.sort_by(|a, b| {
            let rate = |jail: &JailStatus| model.rates(&jail.name).failures;
            rate(b).total_cmp(&rate(a)).then(b.banned.cmp(&a.banned))
        });
    }
    // On a small screen there is nothing left for what is read.
    let columns = if area.width < ROOM_FOR_SOURCES { 7 } else { 8 };
    let rows = jails.into_iter().map(|jail| {
        let rates = model.rates(&jail.name);
        let state = match jail.state.as_str() {
            "running" => Style::new(),
            "error" => paint.in_colour(Color::Red),
            _ => paint.in_colour(Color::Yellow),
        };
        let source = jail
            .sources
            .first()
            .map_or("", |source| source.path.as_str());
        let cells = [
            Cell::from(safe(&jail.name)),
            Cell::from(jail.state.clone()).style(state),
            number(format!("{:.0}", rates.failures), 9),
            number(jail.failing.to_string(), 7),
            number(format!("{:.1}", rates.bans), 8),
            number(jail.banned.to_string(), 8),
            number(jail.banned_total.to_string(), 8),
            Cell::from(safe(source)),
        ];
        Row::new(cells.into_iter().take(columns))
    });
    let name = if area.width < ROOM_FOR_SOURCES {
        22
    } else {
        18
    };
    let widths = [
        Constraint::Length(name),
        Constraint::Length(8),
        Constraint::Length(9),
        Constraint::Length(7),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Fill(1),
    ];
    let widths = widths.into_iter().take(columns);
    let heads = [
        Cell::from("JAIL"),
        Cell::from("STATE"),
        number("FAILS/MIN".into(), 9),
        number("FAILING".into(), 7),
        number("BANS/MIN".into(), 8),
        number("BANNED".into(), 8),
        number("ALL BANS".into(), 8),
        Cell::from("READS"),
    ];
    let heads = heads.into_iter().take(columns);
    Table::new(rows, widths).header(Row::new(heads).style(paint.heading()))
}

fn ban_table<'a>(title: &'static str, bans: &[&'a Ban], paint: &Paint) -> Table<'a> {
    let rows = bans.iter().map(|ban| {
        let users: Vec<String> = ban.users.iter().map(|user| safe(&user.name)).collect();
        let until = ban.until.map_or_else(|| "for ever".to_owned(), clock);
        Row::new(vec![
            Cell::from(clock(ban.time)),
            Cell::from(safe(&ban.ip)),
            Cell::from(safe(&ban.jail)),
            number(ban.failures.to_string(), 5),
            Cell::from(until),
            Cell::from(users.join(" ")),
        ])
    });
    let widths = [
        Constraint::Length(13),
        Constraint::Length(24),
        Constraint::Length(12),
        Constraint::Length(5),
        Constraint::Length(9),
        Constraint::Fill(1),
    ];
    let heads = [
        Cell::from(title),
        Cell::from("ADDRESS"),
        Cell::from("JAIL"),
        number("FAILS".into(), 5),
        Cell::from("UNTIL"),
        Cell::from("USERS"),
    ];
    Table::new(rows, widths).header(Row::new(heads).style(paint.heading()))
}

fn number(text: String, width: usize) -> Cell<'static> {
    Cell::from(format!("{text:>width$}"))
}

/// The time of the day.
fn clock(seconds: i64) -> String {
    let whole = local(seconds);
    whole.split(' ').nth(1).unwrap_or(&whole).to_owned()
}

/// `3d 4h`, `5m 12s`.
fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m {}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

fn first_line(text: &str) -> String {
    safe(text.lines().next().unwrap_or_default())
}

fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    daemon::escape_into(&mut safe, text);
    safe
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ban, jail, status};
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use std::time::{Duration, Instant};

    /// The lines of a screen of this size, without what is blank at their ends.
    fn lines(model: &Model, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, model, false)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let rows = (0..height).map(|y| {
            let cells = (0..width).map(|x| buffer[(x, y)].symbol());
            cells.collect::<String>().trim_end().to_owned()
        });
        rows.collect()
    }

    fn model(jails: usize) -> Model {
        let mut model = Model::default();
        let start = Instant::now();
        let jails = |more: u64| {
            let names = (0..jails).map(|n| {
                if n == 0 {
                    "sshd".to_owned()
                } else {
                    format!("jail{n}")
                }
            });
            names
                .map(|name| jail(&name, 100 + more, 3))
                .collect::<Vec<_>>()
        };
        model.take(start, 1_000_050, status(jails(0)), Vec::new());
        let bans = vec![
            ban("192.0.2.7", 1_000_010, 3),
            ban("2001:db8::/64", 1_000_020, 9),
        ];
        let later = start + Duration::from_secs(30);
        model.take(later, 1_000_080, status(jails(60)), bans);
        model
    }

    #[test]
    fn a_small_screen_has_everything_below_each_other() {
        let shown = lines(&model(1), 80, 24);
        assert_eq!(shown[0], "stockade ok");
        assert_eq!(
            shown[1],
            "up 1m 20s   jails 1   failures/min 120   bans/min 0.0   banned 3   kernel ok"
        );
        assert_eq!(
            shown[3],
            "JAIL                   STATE    FAILS/MIN FAILING BANS/MIN   BANNED ALL BANS"
        );
        assert!(shown[4].starts_with(
            "sshd                   running        120       2      0.0        3        3"
        ));
        let newest = shown
            .iter()
            .position(|line| line.starts_with("NEWEST BANS"))
            .unwrap();
        let most = shown
            .iter()
            .position(|line| line.starts_with("MOST FAILURES"))
            .unwrap();
        assert!(newest < most);
        assert!(shown[newest + 1].contains("2001:db8::/64"));
        assert!(shown[newest + 2].contains("192.0.2.7"));
        assert!(shown[most + 1].contains("2001:db8::/64"));
        assert_eq!(shown[23], "q quits; rates are those of the last minute");
    }

    #[test]
    fn a_wide_screen_has_the_bans_beside_each_other() {
        let shown = lines(&model(3), 200, 50);
        let line = shown
            .iter()
            .find(|line| line.starts_with("NEWEST BANS"))
            .unwrap();
        assert!(line.contains("MOST FAILURES"), "{line}");
        assert!(shown.iter().any(|line| line.contains("/var/log/jail2.log")));
    }

    #[test]
    fn many_jails_leave_room_for_bans() {
        let shown = lines(&model(90), 80, 24);
        assert!(shown.iter().any(|line| line.starts_with("NEWEST BANS")));
        assert!(shown.iter().any(|line| line.contains("192.0.2.7")));
    }

    #[test]
    fn trouble_is_said_first() {
        let mut model = model(1);
        model.lost("error: no daemon answers on /x\nhelp: start one".into());
        assert_eq!(
            lines(&model, 80, 24)[0],
            "stockade error: no daemon answers on /x"
        );
    }
}
