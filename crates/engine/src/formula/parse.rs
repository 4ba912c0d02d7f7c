//! From tokens to instructions: Python's grammar of expressions, as far as it is arithmetic.
//!
//! One pass by recursive descent. The levels from `or` down to comparisons have a function each, as each has a rule
//! of its own; the operators between two numbers share one, by a number for how tightly they bind.

use super::code::{Binary, Code, Comparison, Instruction, Step, Unary, Variable, When};
use super::functions::{self, Function};
use super::lex::{self, Kind, Token};
use super::value::Value;
use super::{DEEPEST, FormulaError, FormulaFault as Fault, LONGEST};

/// Which names stand for numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Those of a ban: `ban.Time`, `ban.Count`, `banFactor`.
    OfBan,
    /// None: it is evaluated before there is any ban.
    None,
}

/// Python's words that begin or go on something which a formula has not.
const WORDS: &[&str] = &[
    "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "except",
    "finally", "for", "from", "global", "import", "is", "lambda", "nonlocal", "pass", "raise",
    "return", "try", "while", "with", "yield",
];

/// The instructions of a text.
pub(crate) fn parse(text: &str, names: Names) -> Result<Code, FormulaError> {
    if text.len() > LONGEST {
        return Err(Fault::TooLong.at(text, LONGEST));
    }
    let tokens = lex::tokens(text).map_err(|(at, fault)| fault.at(text, at))?;
    let mut parser = Parser {
        tokens: &tokens,
        names,
        depth: 0,
        code: Vec::new(),
    };
    let whole = parser.expression().and_then(|()| match parser.kind() {
        Kind::End => Ok(()),
        Kind::Symbol(",") => Err(Fault::Unsupported(
            "a formula is one value, not several".into(),
        )),
        _ => Err(parser.unexpected("the end or an operator")),
    });
    // The token that it stopped at is where the error is.
    whole.map_err(|fault| fault.at(text, parser.at()))?;
    Ok(parser.code)
}

struct Parser<'p, 't> {
    /// What is left; the last one is always the end.
    tokens: &'p [Token<'t>],
    names: Names,
    depth: usize,
    code: Code,
}

type Parsed = Result<(), Fault>;

impl<'t> Parser<'_, 't> {
    fn kind(&self) -> Kind<'t> {
        self.tokens
            .first()
            .map_or(Kind::End, |token| token.kind.clone())
    }

    fn at(&self) -> usize {
        self.tokens.first().map_or(0, |token| token.at)
    }

    fn advance(&mut self) {
        if let [_, rest @ ..] = self.tokens
            && !rest.is_empty()
        {
            self.tokens = rest;
        }
    }

    /// Takes this symbol or word, if it comes next.
    fn take(&mut self, text: &str) -> bool {
        let found = match self.kind() {
            Kind::Symbol(symbol) => symbol == text,
            Kind::Name(name) => name == text,
            Kind::Number(_) | Kind::End => false,
        };
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, text: &str) -> Parsed {
        if self.take(text) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{text}`")))
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        let found = match self.kind() {
            Kind::Name(name) if WORDS.contains(&name) => {
                return Fault::Unsupported(format!("a formula does not know `{name}`"));
            }
            Kind::Number(_) => "a number".to_owned(),
            Kind::Name(name) => format!("`{name}`"),
            Kind::Symbol(symbol) => format!("`{symbol}`"),
            Kind::End => "the expression ends".to_owned(),
        };
        Fault::Syntax(format!("{found} where {wanted} should stand"))
    }

    fn emit(&mut self, at: usize, step: Step) {
        self.code.push(Instruction { at, step });
    }

    /// Writes a jump, to be given to `land`.
    fn jump(&mut self, at: usize, when: When) -> usize {
        self.emit(at, Step::Jump(when, 0));
        self.code.len() - 1
    }

    /// Lets a jump lead to what comes next.
    fn land(&mut self, jump: usize) {
        let distance = self.code.len() - jump - 1;
        if let Some(Step::Jump(_, length)) = self.code.get_mut(jump).map(|found| &mut found.step) {
            *length = distance;
        }
    }

    /// One level deeper.
    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.depth == DEEPEST {
            return Err(Fault::TooDeep);
        }
        self.depth += 1;
        inner(self)?;
        self.depth -= 1;
        Ok(())
    }

    /// `x if c else y`, and all that binds tighter.
    fn expression(&mut self) -> Parsed {
        let start = self.code.len();
        self.disjunction()?;
        let at = self.at();
        if !self.take("if") {
            return Ok(());
        }
        // The condition is written after the first value but runs before it.
        let value: Code = self.code.drain(start..).collect();
        self.disjunction()?;
        self.expect("else")?;
        let skip_value = self.jump(at, When::False);
        self.code.extend(value);
        let skip_other = self.jump(at, When::Always);
        self.land(skip_value);
        self.nested(Self::expression)?;
        self.land(skip_other);
        Ok(())
    }

    fn disjunction(&mut self) -> Parsed {
        self.chain("or", When::TrueElsePop, |parser| {
            parser.chain("and", When::FalseElsePop, Self::negation)
        })
    }

    /// Operands of `or` or `and`, of which the first that decides is the value.
    fn chain(&mut self, word: &str, when: When, operand: fn(&mut Self) -> Parsed) -> Parsed {
        operand(self)?;
        let mut jumps = Vec::new();
        loop {
            let at = self.at();
            if !self.take(word) {
                break;
            }
            jumps.push(self.jump(at, when));
            operand(self)?;
        }
        for jump in jumps {
            self.land(jump);
        }
        Ok(())
    }

    fn negation(&mut self) -> Parsed {
        let at = self.at();
        if !self.take("not") {
            return self.comparison();
        }
        self.nested(Self::negation)?;
        self.emit(at, Step::Unary(Unary::Not));
        Ok(())
    }

    /// `a < b < c`: the middle is evaluated once, and what follows a false answer not at all.
    fn comparison(&mut self) -> Parsed {
        self.operation(0)?;
        let mut jumps = Vec::new();
        let mut last = None;
        loop {
            let at = self.at();
            let Some(by) = self.comparator()? else {
                break;
            };
            if let Some((at, by)) = last.replace((at, by)) {
                jumps.push(self.jump(at, When::Not(by)));
            }
            self.operation(0)?;
        }
        if let Some((at, by)) = last {
            self.emit(at, Step::Compare(by));
        }
        for jump in jumps {
            self.land(jump);
        }
        Ok(())
    }

    fn comparator(&mut self) -> Result<Option<Comparison>, Fault> {
        let by = match self.kind() {
            Kind::Symbol("<") => Comparison::Less,
            Kind::Symbol("<=") => Comparison::LessOrEqual,
            Kind::Symbol(">") => Comparison::Greater,
            Kind::Symbol(">=") => Comparison::GreaterOrEqual,
            Kind::Symbol("==") => Comparison::Equal,
            Kind::Symbol("!=") => Comparison::NotEqual,
            Kind::Name("in") => Comparison::In,
            Kind::Name("not") => {
                self.advance();
                self.expect("in")?;
                return Ok(Some(Comparison::NotIn));
            }
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(by))
    }

    /// Operators between two numbers that bind at least so tightly, from the left.
    fn operation(&mut self, tightness: u8) -> Parsed {
        self.sign()?;
        while let Some((operator, binds)) = self.operator().filter(|&(_, binds)| binds >= tightness)
        {
            let at = self.at();
            self.advance();
            self.operation(binds + 1)?;
            self.emit(at, Step::Binary(operator));
        }
        Ok(())
    }

    /// The operator that comes next, and how tightly it binds.
    fn operator(&self) -> Option<(Binary, u8)> {
        let Kind::Symbol(symbol) = self.kind() else {
            return None;
        };
        Some(match symbol {
            "|" => (Binary::Or, 0),
            "^" => (Binary::Xor, 1),
            "&" => (Binary::And, 2),
            "<<" => (Binary::ShiftLeft, 3),
            ">>" => (Binary::ShiftRight, 3),
            "+" => (Binary::Add, 4),
            "-" => (Binary::Subtract, 4),
            "*" => (Binary::Multiply, 5),
            "/" => (Binary::Divide, 5),
            "//" => (Binary::FloorDivide, 5),
            "%" => (Binary::Modulo, 5),
            _ => return None,
        })
    }

    /// Signs before a power: `-2**2` is -4.
    fn sign(&mut self) -> Parsed {
        let at = self.at();
        let operator = match self.kind() {
            Kind::Symbol("+") => Unary::Plus,
            Kind::Symbol("-") => Unary::Minus,
            Kind::Symbol("~") => Unary::Invert,
            _ => return self.power(),
        };
        self.advance();
        self.nested(Self::sign)?;
        self.emit(at, Step::Unary(operator));
        Ok(())
    }

    /// Powers, from the right; the exponent may have a sign.
    fn power(&mut self) -> Parsed {
        self.indexed()?;
        let at = self.at();
        if self.take("**") {
            self.nested(Self::sign)?;
            self.emit(at, Step::Binary(Binary::Power));
        }
        Ok(())
    }

    /// A value and what may stand behind it.
    fn indexed(&mut self) -> Parsed {
        self.atom()?;
        loop {
            let at = self.at();
            match self.kind() {
                Kind::Symbol("[") => {
                    self.advance();
                    self.nested(Self::expression)?;
                    if self.take(",") {
                        return Err(Fault::Unsupported("an index is one number".into()));
                    }
                    self.expect("]")?;
                    self.emit(at, Step::Index);
                }
                Kind::Symbol("(") => {
                    return Err(Fault::Type("what stands before `(` is no function".into()));
                }
                Kind::Symbol(".") => {
                    let what = "a number has nothing behind a point in a formula";
                    return Err(Fault::Unsupported(what.into()));
                }
                _ => return Ok(()),
            }
        }
    }

    fn atom(&mut self) -> Parsed {
        let at = self.at();
        match self.kind() {
            Kind::Number(value) => {
                self.advance();
                self.emit(at, Step::Push(value));
                Ok(())
            }
            Kind::Name(name) => self.name(at, name),
            Kind::Symbol("(") => {
                self.advance();
                self.bracket(at)
            }
            Kind::Symbol("[") => {
                self.advance();
                let (count, _) = self.list("]")?;
                self.emit(at, Step::Sequence(count));
                Ok(())
            }
            Kind::Symbol("*" | "**") => Err(Fault::Unsupported(
                "a formula knows `*` only between two numbers".into(),
            )),
            Kind::Symbol(_) | Kind::End => Err(self.unexpected("a value")),
        }
    }

    /// A value in brackets, or a tuple.
    fn bracket(&mut self, at: usize) -> Parsed {
        let (count, comma) = self.list(")")?;
        if count != 1 || comma {
            self.emit(at, Step::Sequence(count));
        }
        Ok(())
    }

    /// Expressions up to the closing bracket: how many, and whether a comma stood behind the last one.
    fn list(&mut self, end: &str) -> Result<(usize, bool), Fault> {
        let (mut count, mut comma) = (0, true);
        while !self.take(end) {
            if !comma {
                return Err(self.unexpected(&format!("`,` or `{end}`")));
            }
            self.nested(Self::expression)?;
            count += 1;
            comma = self.take(",");
        }
        Ok((count, comma))
    }

    /// A constant, a variable or a call.
    fn name(&mut self, at: usize, first: &'t str) -> Parsed {
        let module = matches!(first, "ban" | "math" | "random");
        let second = match self.tokens {
            [
                _,
                Token {
                    kind: Kind::Symbol("."),
                    ..
                },
                Token {
                    kind: Kind::Name(second),
                    ..
                },
                ..,
            ] if module => Some(*second),
            _ => None,
        };
        let whole = second.map_or(first.to_owned(), |second| format!("{first}.{second}"));
        if WORDS.contains(&first) || matches!(first, "if" | "else" | "and" | "or" | "in" | "not") {
            return Err(self.unexpected("a value"));
        }
        let step = match whole.as_str() {
            "None" => Step::Push(Value::None),
            "True" => Step::Push(Value::Bool(true)),
            "False" => Step::Push(Value::Bool(false)),
            "ban.Time" | "ban.Count" | "banFactor" if self.names == Names::None => {
                return Err(Fault::Unsupported(format!(
                    "`{whole}` has no value here: the factor is worked out before there is a ban"
                )));
            }
            "ban.Time" => Step::Load(Variable::Time),
            "ban.Count" => Step::Load(Variable::Count),
            "banFactor" => Step::Load(Variable::Factor),
            name => match functions::find(name) {
                Some(function) => return self.call(at, second.is_some(), function),
                None => Step::Push(Value::Float(functions::constant(name).ok_or_else(
                    || Fault::Unsupported(format!("a formula does not know `{name}`")),
                )?)),
            },
        };
        self.skip_name(second.is_some());
        self.emit(at, step);
        Ok(())
    }

    /// Passes over a name of one word, or of two with a point between.
    fn skip_name(&mut self, dotted: bool) {
        for _ in 0..(if dotted { 3 } else { 1 }) {
            self.advance();
        }
    }

    fn call(&mut self, at: usize, dotted: bool, function: &'static Function) -> Parsed {
        let (name, start) = (function.name, self.tokens);
        self.skip_name(dotted);
        if !self.take("(") {
            let what = format!("`{name}` is a function and needs `(` and what it is to take");
            self.tokens = start;
            return Err(Fault::Unsupported(what));
        }
        let (count, _) = self.list(")")?;
        if !function.arity.contains(&count) {
            let (least, most) = (function.arity.start(), function.arity.end());
            let wanted = match (least, most) {
                (least, most) if least == most => least.to_string(),
                (least, &usize::MAX) => format!("at least {least}"),
                (least, most) => format!("{least} to {most}"),
            };
            let what = format!("`{name}` takes {wanted}, not {count} values");
            self.tokens = start;
            return Err(Fault::Type(what));
        }
        self.emit(at, Step::Call(function, count));
        Ok(())
    }
}
