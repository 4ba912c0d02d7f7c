//! Random formulas against CPython itself, where it is installed; and the inputs that fuzzing has kept.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test asks another program and reads its cases"
)]

use engine::formula::{Formula, FormulaFault, Inputs, Number, factor, fuzz_formula};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Reads `[text, time, count, factor, seed]` lines, answers the value or the error.
///
/// Each part of an expression is watched, so that a whole number beyond our bound and a complex number end it as
/// they do with us; below CPython's own `random` lies our generator.
const SCRIPT: &str = r#"
import ast, builtins, json, math, random, struct, sys, types, warnings
warnings.simplefilter("ignore")
BITS = 4096
class Huge(Exception): pass
class Complex(Exception): pass
def whole(*values): return all(isinstance(value, int) for value in values)
def watch(value):
    if isinstance(value, complex): raise Complex
    if whole(value) and value.bit_length() > BITS: raise Huge
    return value
def power(a, b):
    if whole(a, b) and abs(a) > 1 and b > 0 and (a.bit_length() - 1) * b >= BITS: raise Huge
    return a ** b
def shift(a, b):
    if whole(a, b) and a and b > BITS: raise Huge
    return a << b
def factorial(n):
    if whole(n) and n > BITS: raise Huge
    return math.factorial(n)
def rounded(value, *places):
    # CPython would make a power of ten that no machine can hold.
    if places and whole(value, *places) and places[0] < -BITS: return 0
    return round(value, *places)
class Mix(random.Random):
    def start(self, seed): self.state = seed
    def draw(self):
        mask = 2 ** 64 - 1
        self.state = z = (self.state + 0x9e3779b97f4a7c15) & mask
        z = ((z ^ (z >> 30)) * 0xbf58476d1ce4e5b9) & mask
        z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & mask
        return z ^ (z >> 31)
    def random(self): return (self.draw() >> 11) / 2.0 ** 53
    def getrandbits(self, bits):
        digits = (bits + 63) // 64
        return sum(self.draw() << 64 * i for i in range(digits)) >> (digits * 64 - bits)
    # Newer versions of Python take whole numbers only.
    def randrange(self, *values):
        if not whole(*values): raise TypeError
        return super().randrange(*values)
class Watch(ast.NodeTransformer):
    def visit(self, node):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            node.args = [self.visit(arg) for arg in node.args]
        elif not isinstance(node, ast.Attribute):
            node = self.generic_visit(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Pow, ast.LShift)):
            name = "_power" if isinstance(node.op, ast.Pow) else "_shift"
            node = ast.Call(ast.Name(name, ast.Load()), [node.left, node.right], [])
        if isinstance(node, ast.expr) and not isinstance(node, ast.Starred):
            node = ast.Call(ast.Name("_watch", ast.Load()), [node], [])
        return node
mix = Mix()
maths = types.SimpleNamespace(**{**vars(math), "factorial": factorial})
names = {"math": maths, "random": mix, "pow": power, "round": rounded, "_power": power, "_shift": shift, "_watch": watch}
def answer(text, time, count, factor, seed):
    mix.start(seed)
    names.update(ban=types.SimpleNamespace(Time=eval(time), Count=count), banFactor=eval(factor))
    tree = ast.fix_missing_locations(Watch().visit(ast.parse(text.strip(), mode="eval")))
    value = eval(compile(tree, "formula", "eval"), dict(names))
    if whole(value): return {"int": str(int(value))}
    if isinstance(value, float): return {"float": "nan" if value != value else struct.pack(">d", value).hex()}
    raise TypeError
for line in sys.stdin:
    try:
        print(json.dumps(answer(*json.loads(line))))
    except Exception as error:
        print(json.dumps({"error": type(error).__name__}))
"#;

/// A small generator of pseudo-random numbers, so that every run is the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const ATOMS: &[&str] = &[
    "0",
    "1",
    "1",
    "2",
    "3",
    "7",
    "10",
    "20",
    "60",
    "600",
    "1000",
    "0x1F",
    "0b101",
    "0o17",
    "1_000",
    "00",
    "4294967296",
    "9007199254740993",
    "123456789012345678901234567890",
    "0.0",
    "0.5",
    "1.5",
    "2.5",
    ".25",
    "3.",
    "1e3",
    "1E-3",
    "2.675",
    "1e300",
    "1e-300",
    "5e-324",
    "1_0.5_0e1_0",
    "True",
    "False",
    "None",
    "math.e",
    "math.pi",
    "math.inf",
    "math.nan",
    "ban.Time",
    "ban.Time",
    "ban.Count",
    "ban.Count",
    "ban.Count",
    "banFactor",
    "banFactor",
    "ban . Time",
    "1e16",
    "2**53",
];
const OPERATORS: &[&str] = &[
    "+", "+", "-", "-", "*", "*", "*", "/", "/", "//", "//", "%", "%", "**", "**", "<<", ">>", "&",
    "|", "^",
];
const COMPARISONS: &[&str] = &["<", "<=", ">", ">=", "==", "!="];
const ONE: &[&str] = &[
    "abs",
    "int",
    "float",
    "bool",
    "round",
    "round",
    "math.exp",
    "math.exp",
    "math.expm1",
    "math.log",
    "math.log",
    "math.log2",
    "math.log10",
    "math.log1p",
    "math.sqrt",
    "math.isqrt",
    "math.ceil",
    "math.floor",
    "math.trunc",
    "math.fabs",
    "math.sin",
    "math.cos",
    "math.tan",
    "math.asin",
    "math.acos",
    "math.atan",
    "math.sinh",
    "math.cosh",
    "math.tanh",
    "math.degrees",
    "math.radians",
    "math.isnan",
    "math.isinf",
    "math.isfinite",
    "math.factorial",
    "random.randrange",
];
const TWO: &[&str] = &[
    "min",
    "max",
    "min",
    "max",
    "pow",
    "round",
    "round",
    "math.log",
    "math.pow",
    "math.fmod",
    "math.atan2",
    "math.copysign",
    "math.gcd",
    "random.uniform",
    "random.randint",
    "random.randrange",
];
const OF_SEQUENCES: &[&str] = &[
    "min",
    "max",
    "sum",
    "any",
    "all",
    "len",
    "random.choice",
    "-",
    "int",
];
/// What a slip of the hand puts in.
const SLIPS: &[&str] = &[
    "(", ")", "[", "]", ",", ".", "+", "*", "**", "not ", "if", " else ", "e", "_", "0", "x", "=",
    "<", "1", " and ", " in ", "é", "'", "#", "~", "j",
];

struct Generator(Random);

impl Generator {
    fn expression(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.0.pick(ATOMS).to_owned();
        }
        let depth = depth - 1;
        match self.0.below(25) {
            0..=9 => {
                let space = self.0.pick(&["", " "]);
                let operator = self.0.pick(OPERATORS);
                let (left, right) = (self.expression(depth), self.expression(depth));
                format!("{left}{space}{operator}{space}{right}")
            }
            10 | 11 => format!("({})", self.expression(depth)),
            12 => format!(
                "{}{}",
                self.0.pick(&["-", "+", "~", "not ", "--"]),
                self.expression(depth)
            ),
            13 | 14 => format!("{}({})", self.0.pick(ONE), self.expression(depth)),
            15 | 16 => {
                let function = self.0.pick(TWO);
                let (left, right) = (self.expression(depth), self.expression(depth));
                format!("{function}({left}, {right})")
            }
            17 => {
                let mut text = self.expression(depth);
                for _ in 0..1 + self.0.below(2) {
                    text.push_str(self.0.pick(COMPARISONS));
                    text.push_str(&self.expression(depth));
                }
                text
            }
            18 => {
                let word = self.0.pick(&["and", "or"]);
                format!(
                    "{} {word} {}",
                    self.expression(depth),
                    self.expression(depth)
                )
            }
            19 | 20 => {
                let value = self.expression(depth);
                let condition = self.expression(depth);
                format!("{value} if {condition} else {}", self.expression(depth))
            }
            21 => format!("{}({})", self.0.pick(OF_SEQUENCES), self.sequence(depth)),
            22 => {
                let (sequence, index) = (self.sequence(depth), self.expression(depth));
                format!("{sequence}[{index}]")
            }
            23 => {
                let (value, sequence) = (self.expression(depth), self.sequence(depth));
                format!("{value} {} {sequence}", self.0.pick(&["in", "not in"]))
            }
            _ => "random.random()".to_owned(),
        }
    }

    /// Two items at most: newer versions of Python add more floats than that with another rounding.
    fn sequence(&mut self, depth: usize) -> String {
        match self.0.below(4) {
            0 => self.0.pick(&["()", "[]", "(1, 5, 30, 60, 300)"]).to_owned(),
            1 => format!("({},)", self.expression(depth)),
            2 => format!("[{},{}]", self.expression(depth), self.expression(depth)),
            _ => format!("({}, {})", self.expression(depth), self.expression(depth)),
        }
    }

    /// Leaves something out, says it twice or puts something in.
    fn slip(&mut self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        let at = self.0.below(characters.len());
        match self.0.below(3) {
            0 => {
                characters.remove(at);
            }
            1 => characters.insert(at, characters[at]),
            _ => {
                let slip = self.0.pick(SLIPS);
                characters.splice(at..at, slip.chars());
            }
        }
        characters.into_iter().collect()
    }
}

struct Case {
    text: String,
    inputs: Inputs,
    /// As Python reads the numbers of the inputs.
    words: (&'static str, &'static str),
    slipped: bool,
}

fn cases(count: usize) -> Vec<Case> {
    let mut generator = Generator(Random(1));
    let times: [(&str, Number); 5] = [
        ("600", 600.into()),
        ("3600", 3600.into()),
        ("86400.5", 86400.5.into()),
        ("1", 1.into()),
        ("31536000", 31_536_000.into()),
    ];
    let factors: [(&str, Number); 5] = [
        ("1", 1.into()),
        ("2", 2.into()),
        ("1.5", 1.5.into()),
        ("0.1", 0.1.into()),
        ("1440", 1440.into()),
    ];
    let mut stock = vec![
        "ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor",
        "ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)",
    ];
    (0..count)
        .map(|number| {
            let slipped = number % 5 == 0;
            let depth = 1 + generator.0.below(4);
            let text = stock
                .pop()
                .map_or_else(|| generator.expression(depth), str::to_owned);
            let text = if slipped { generator.slip(&text) } else { text };
            let (time, factor) = (generator.0.below(5), generator.0.below(5));
            let inputs = Inputs {
                ban_time: times[time].1.clone(),
                ban_count: generator.0.below(31) as u32,
                ban_factor: factors[factor].1.clone(),
                random: number as u64,
            };
            let words = (times[time].0, factors[factor].0);
            Case {
                text,
                inputs,
                words,
                slipped,
            }
        })
        .collect()
}

/// CPython's answers; none where it is not installed.
fn ask(cases: &[Case]) -> Option<Vec<Value>> {
    let mut child = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take().unwrap();
    let lines: String = cases
        .iter()
        .map(|case| {
            let (time, factor) = case.words;
            let inputs = &case.inputs;
            let line = json!([case.text, time, inputs.ban_count, factor, inputs.random]);
            format!("{line}\n")
        })
        .collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), cases.len());
    Some(answers)
}

fn shown(number: &Number) -> Value {
    match number {
        Number::Int(value) => json!({"int": value.to_string()}),
        Number::Float(value) if value.is_nan() => json!({"float": "nan"}),
        Number::Float(value) => json!({"float": format!("{:016x}", value.to_bits())}),
    }
}

/// The names of Python's errors that one of ours stands for; none where ours says that it knows less than Python.
fn python_errors(fault: &FormulaFault) -> &'static [&'static str] {
    match fault {
        FormulaFault::TooLong | FormulaFault::TooDeep | FormulaFault::Unsupported(_) => &[],
        FormulaFault::Syntax(_) => &["SyntaxError"],
        FormulaFault::DivisionByZero => &["ZeroDivisionError"],
        FormulaFault::Overflow => &["OverflowError"],
        FormulaFault::TooLarge => &["Huge"],
        FormulaFault::Value(_) => &["ValueError", "IndexError"],
        FormulaFault::Type(_) => &["TypeError"],
    }
}

#[test]
fn formulas_answer_as_cpython() {
    let cases = cases(10_000);
    let Some(answers) = ask(&cases) else {
        println!("skipped: no python3");
        return;
    };
    let (mut agreed, mut refused, mut less, mut wrong) = (0, 0, 0, Vec::new());
    for (case, answer) in cases.iter().zip(&answers) {
        let parsed = Formula::parse(&case.text);
        let at_once = parsed.is_err();
        match parsed.and_then(|formula| formula.evaluate(&case.inputs)) {
            Ok(number) if shown(&number) == *answer => agreed += 1,
            Ok(number) => wrong.push(format!("{:?}: {number:?}, CPython {answer}", case.text)),
            Err(error) => {
                let errors = python_errors(&error.fault);
                let theirs = answer["error"].as_str();
                // What a slip makes may be refused at once, for something that Python would never have come to.
                let early =
                    at_once && case.slipped && !matches!(error.fault, FormulaFault::Syntax(_));
                if theirs.is_some_and(|name| errors.contains(&name) || early) {
                    refused += 1;
                } else if errors.is_empty() || early {
                    less += 1;
                } else {
                    wrong.push(format!("{:?}: {error}, CPython {answer}", case.text));
                }
            }
        }
    }
    println!(
        "{agreed} values agreed, {refused} refused alike, {less} that Python knows more of, {} differ",
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{} differ: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(40)]
    );
    assert!(agreed > 3_000 && less < 1_000, "the cases say too little");
}

#[test]
fn kept_inputs_panic_nowhere() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/formula");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        fuzz_formula(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn factors_are_worked_out_without_a_ban() {
    assert_eq!(factor("24*60", 0).unwrap(), 1440.into());
    assert_eq!(factor("1.5", 0).unwrap(), 1.5.into());
    let error = factor("1 + ban.Count", 0).unwrap_err();
    assert_eq!(error.column, 5);
}
