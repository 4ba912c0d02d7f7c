//! What expressions come to, and what is said of wrong ones. That the values are CPython's, `tests/formula.rs` judges.

use super::*;

fn evaluated(text: &str) -> Result<Number, FormulaError> {
    Formula::parse(text)?.evaluate(&Inputs {
        ban_time: 600.into(),
        ban_count: 3,
        ban_factor: 1.into(),
        random: 7,
    })
}

fn check(text: &str, expected: &str) {
    let shown = match evaluated(text) {
        Ok(number) => number.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn stock_formulas() {
    check(
        "ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor",
        "4800",
    );
    check(
        "ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)",
        "12051.3221539126",
    );
}

#[test]
fn operators_bind_as_in_python() {
    check("1 + 2 * 3", "7");
    check("-2 ** 2", "-4");
    check("2 ** -1", "0.5");
    check("2 ** 3 ** 2", "512");

    check("-7 // 2", "-4");
    check("-7 % 3", "2");
    check("-7.5 % 2", "0.5");
    check("1 << 2 + 1", "8");
    check("6 & 3 ^ 1 | 8", "11");
    check("not 1 == 2", "1");
    check("1 < 2 < 3", "1");
    check("3 > 2 > 2", "0");
    check("1 if 0 else 2 if 0 else 3", "3");
    check("0 or 5 and 7", "7");
    check("2 in (1, 2)", "1");
    check("(1, 5, 30)[ban.Count - 1]", "30");
    check("[1, 5, 30][-3]", "1");
}

#[test]
fn rounding_is_half_to_even() {
    check("round(2.5)", "2");
    check("round(3.5)", "4");
    check("round(2.675, 2)", "2.67");
    check("round(1250, -2)", "1200");
    check("round(1250.1, -2)", "1300");
    check("10 / 4", "2.5");
    check("2**53 + 1 == 2.0**53", "0");
    check("(10**400 + 1) / 10**400", "1");
}

#[test]
fn what_does_not_count_is_not_evaluated() {
    check("1 or 1/0", "1");
    check("0 and 1/0", "0");
    check("5 if 1 else 1/0", "5");
    check("3 < 2 < 1/0", "0");
}

#[test]
fn chance_comes_from_the_inputs() {
    check("random.randint(5, 5)", "5");
    check("random.random() == random.random()", "0");
    check("0 <= random.random() < 1", "1");
    assert_eq!(evaluated("random.random()"), evaluated("random.random()"));
}

#[test]
fn failures_say_where_and_what() {
    check("ban.Time / 0", "column 10: division by zero");
    check(
        "1 << 5000",
        "column 3: a whole number of more than 4096 bits, which is too large",
    );
    check(
        "2**10**9",
        "column 2: a whole number of more than 4096 bits, which is too large",
    );
    check(
        "2.0**10000",
        "column 4: the result is too large for a floating point number",
    );
    check("math.sqrt(-1)", "column 1: the function has no value there");
    check(
        "(-8)**0.5",
        "column 5: a negative number to a broken power is a complex number, which a formula has not",
    );
    check(
        "1 << 0.5",
        "column 3: `<<` does not take a whole number and a floating point number",
    );
    check("None", "column 1: the result is None, not a number");
    check(
        "",
        "column 1: the expression ends where a value should stand",
    );
    check(
        "1 +",
        "column 4: the expression ends where a value should stand",
    );
    check(
        "(1 + 2",
        "column 7: the expression ends where `,` or `)` should stand",
    );
    check(
        "1 2",
        "column 3: a number where the end or an operator should stand",
    );
    check(
        "0777",
        "column 1: a whole number does not begin with 0; an octal one is written 0o17",
    );
    check(
        "max(1, 2",
        "column 9: the expression ends where `,` or `)` should stand",
    );
    check(
        "math.sqrt(1, 2)",
        "column 1: `math.sqrt` takes 1, not 2 values",
    );
    check(
        "max",
        "column 1: `max` is a function and needs `(` and what it is to take",
    );
}

#[test]
fn nothing_leads_out_of_arithmetic() {
    check("bantime * 2", "column 1: a formula does not know `bantime`");
    check(
        "ban.Time.real",
        "column 9: a number has nothing behind a point in a formula",
    );
    check("ban.jail", "column 1: a formula does not know `ban.jail`");
    check(
        "math.__loader__",
        "column 1: a formula does not know `math.__loader__`",
    );
    check(
        "__import__('os')",
        "column 12: a formula holds no text in quotes",
    );
    check(
        "(lambda: 1)()",
        "column 8: `:` has no place in a formula, which is one arithmetic expression",
    );
    check("[i for i in 1]", "column 2: a formula does not know `i`");
    check("(1)(2)", "column 4: what stands before `(` is no function");
    check("ban.Time is 3", "column 10: a formula does not know `is`");
    check("2j", "column 1: a formula has no complex numbers");
}

#[test]
fn bounds_hold() {
    let deep = |depth| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    check(&deep(DEEPEST), "1");
    check(
        &deep(DEEPEST + 1),
        "column 66: brackets or operators nest deeper than 64",
    );
    check(
        &"-".repeat(3000),
        "column 66: brackets or operators nest deeper than 64",
    );
    check(&format!("1{}", "+1".repeat(2047)), "2048");
    check(
        &format!("1{}", "+1".repeat(2048)),
        "column 4097: the expression is longer than 4096 bytes",
    );
    check(
        &"9".repeat(4000),
        "column 1: a whole number of more than 4096 bits, which is too large",
    );
}
