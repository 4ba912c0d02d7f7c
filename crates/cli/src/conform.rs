//! `stockade conform-eval`: answers conformance cases through the released code.

use crate::args;
use crate::output::Output;
use std::io;
use std::process::ExitCode;

pub(crate) fn run(options: &args::ConformEval, output: &mut Output) -> io::Result<ExitCode> {
    output.complain(&format!(
        "error: unknown kind of cases '{}' {:?}",
        options.kind, options.trees
    ));
    Ok(ExitCode::from(2))
}
