//! Lines as long as a line can be: what a pattern says, repeated or spliced at random.
//!
//! Repetitions make engines try many ways. Splices make automata meet ever new states, so that their caches overflow.

use crate::lines::Random;
use detect::MAX_LINE;
use detect::pyre::{Sampler, Sampling};

/// Iterations that a repetition is pumped up to.
const PUMPS: &[usize] = &[0, 3, 30, 300, 2_000];

/// A line of [`MAX_LINE`] bytes, or hardly fewer, of what these patterns say.
pub(crate) fn longest_line(samplers: &[Sampler], random: &mut Random) -> String {
    let mut text = sample(samplers, random);
    match random.below(3) {
        // One sample, with a piece of it repeated where it stood.
        0 => {
            let (from, to) = piece(&text, random, 64);
            let count = MAX_LINE.saturating_sub(text.len()) / (to - from).max(1);
            let repeated = text[from..to].repeat(count);
            text.insert_str(to, &repeated);
        }
        // Samples one after the other, each as a whole.
        1 => {
            while text.len() < MAX_LINE {
                text.push_str(&sample(samplers, random));
            }
        }
        // Short pieces of samples.
        _ => {
            let stock: Vec<String> = (0..20).map(|_| sample(samplers, random)).collect();
            while text.len() < MAX_LINE {
                let one = &stock[random.below(stock.len())];
                let (from, to) = piece(one, random, 24);
                text.push_str(&one[from..to]);
                if from == to {
                    text.push(' ');
                }
            }
        }
    }
    let mut end = MAX_LINE.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

fn sample(samplers: &[Sampler], random: &mut Random) -> String {
    let how = Sampling {
        pump: PUMPS[random.below(PUMPS.len())],
        rarely: random.below(4),
    };
    let sampler = &samplers[random.below(samplers.len())];
    sampler.sample(how, &mut |bound| random.below(bound))
}

/// A piece of the text, of so many bytes at most and a few more up to the next character.
fn piece(text: &str, random: &mut Random, longest: usize) -> (usize, usize) {
    let boundary = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at += 1;
        }
        at
    };
    let from = boundary(random.below(text.len() + 1));
    let to = (from + 1 + random.below(longest)).min(text.len());
    (from, boundary(to))
}
