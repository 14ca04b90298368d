//! Every reader of foreign bytes keeps its limits: on good inputs, on each of them cut anywhere, and on a fixed number of mutants. What grows its inputs
//! is `make fuzz`; this is its short form.

#[allow(unreachable_pub)]
#[path = "../fuzz/src/foreign/mod.rs"]
mod foreign;

use std::time::Instant;

use foreign::{Cost, MIB, TARGETS, Target};

/// A generator of numbers that need not be random (Marsaglia 2003, xorshift64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `end`; 0 if that is 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// `seed` with some of its bytes changed, lost, doubled, or replaced by such as mean something to one reader or another.
fn mutant(numbers: &mut Numbers, seed: &[u8], other: &[u8], longest: usize) -> Vec<u8> {
    const WORDS: [&[u8]; 12] = [
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
        b"\x7f\xff\xff\xff",
        b"-1",
        b"99999999999999999999",
        b"1e999",
        b"nan",
        b"\x1b[2J",
        b"\n",
        b"\xff\xd9",
        b"<_>",
        b"\"\"\"",
    ];
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(4) {
        let place = numbers.below(bytes.len());
        let end = (place + 1 + numbers.below(16)).min(bytes.len());
        let middle = match numbers.below(7) {
            0 => bytes[place..end].iter().map(|byte| byte ^ 1 << numbers.below(8)).collect(),
            1 => vec![numbers.next() as u8],
            2 => vec![],
            3 => bytes[place..end].repeat(1 + numbers.below(40)),
            4 => {
                let from = numbers.below(other.len());
                other[from..].iter().take(numbers.below(64)).copied().collect()
            }
            5 if numbers.below(8) == 0 => {
                bytes.truncate(place);
                continue;
            }
            _ => WORDS[numbers.below(WORDS.len())].to_vec(),
        };
        bytes.splice(place..end, middle);
    }
    bytes.truncate(longest);
    bytes
}

/// Looks at the seeds and at mutants of them; gives the dearest time and memory of any.
fn look_at_mutants(target: &Target, count: u32) -> Cost {
    let seeds = (target.seeds)();
    let mut numbers = Numbers(0x5eed);
    let mut dearest = Cost::default();
    let mut look = |bytes: &[u8]| {
        let looked = std::panic::catch_unwind(|| target.look(bytes));
        let cost = looked.unwrap_or_else(|_| panic!("{}: {}", target.name, bytes.escape_ascii()));
        dearest = Cost { time: dearest.time.max(cost.time), memory: dearest.memory.max(cost.memory) };
    };
    for seed in &seeds {
        look(seed);
    }
    for _ in 0..count {
        let (seed, other) = (&seeds[numbers.below(seeds.len())], &seeds[numbers.below(seeds.len())]);
        look(&mutant(&mut numbers, seed, other, target.longest));
    }
    dearest
}

#[test]
fn whatever_the_bytes_each_reader_takes_or_refuses_them_within_its_limits() {
    for target in TARGETS {
        look_at_mutants(target, if target.name == "model" { 30 } else { 2000 });
    }
}

#[test]
#[ignore = "takes half an hour: make fuzz-counts"]
fn the_promised_number_of_mutants_of_each_reader_is_taken_or_refused_within_the_limits() {
    // `make fuzz-counts TARGETS=…` names some.
    let wanted = std::env::var("TARGETS").ok();
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| wanted.split_whitespace().any(|word| word == name));
    for target in TARGETS.iter().filter(|target| is_wanted(target.name)) {
        let count = match target.name {
            "cascade" => 3_000_000,
            "mjpeg" => 500_000,
            "http" => 100_000,
            "model" => 10_000,
            _ => 1_000_000,
        };
        let begin = Instant::now();
        let dearest = look_at_mutants(target, count);
        let seconds = begin.elapsed().as_secs_f64();
        println!(
            "{}: {count} mutants, {:.0} a second; at most {:.1?} and {:.1} MiB",
            target.name,
            f64::from(count) / seconds,
            dearest.time,
            dearest.memory as f64 / MIB as f64
        );
    }
}

#[cfg(feature = "web")]
#[test]
fn the_fuzzer_has_a_program_for_each_reader() {
    let manifest = include_str!("../fuzz/Cargo.toml");
    for Target { name, .. } in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"targets/{name}.rs\"")), "{name}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}
