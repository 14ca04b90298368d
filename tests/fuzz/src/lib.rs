//! What the fuzz targets share: how each becomes a program for libFuzzer.

pub mod foreign;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foreign::{Cost, MIB, Target};

#[doc(hidden)]
pub use libfuzzer_sys;

/// The dearest inputs so far.
struct Dearest(Mutex<Cost>);

impl Dearest {
    const fn new() -> Self {
        Self(Mutex::new(Cost { time: Duration::ZERO, memory: 0 }))
    }

    /// The dearest time and memory, if this cost has raised one of them by a fifth or more.
    fn raised(&self, cost: Cost) -> Option<Cost> {
        let mut dearest = self.0.lock().ok()?;
        let raised = cost.time > dearest.time.mul_f64(1.2) || cost.memory > dearest.memory + dearest.memory / 5;
        raised.then(|| {
            *dearest = Cost { time: cost.time.max(dearest.time), memory: cost.memory.max(dearest.memory) };
            *dearest
        })
    }
}

static DEAREST: Dearest = Dearest::new();

/// The program that fuzzes one target.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        $crate::libfuzzer_sys::fuzz_target!(init: $crate::begin(&$crate::foreign::$name), |bytes: &[u8]| $crate::look(&$crate::foreign::$name, bytes));
    };
}

/// Puts the seeds into the folder of inputs, and lets a panic be caught: libFuzzer's own hook ends the program at any, but the one that tract may make
/// over a network is caught. What nobody catches still ends it. SIGPIPE, which a Rust program ignores and a C program such as libFuzzer's dies of, is caught:
/// a server that answers somebody who has hung up gets an error in its place, as it does in the service.
pub fn begin(target: &Target) {
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    signal_hook::flag::register(signal_hook::consts::SIGPIPE, Arc::default()).expect("SIGPIPE can be caught");
    let Some(folder) = std::env::args_os().skip(1).map(PathBuf::from).find(|path| path.is_dir()) else { return };
    for (number, seed) in (target.seeds)().iter().enumerate() {
        std::fs::write(folder.join(format!("seed_{number}")), seed).expect("the folder of inputs can be written to");
    }
}

/// Looks at one input, and says when it was the dearest so far.
pub fn look(target: &Target, bytes: &[u8]) {
    if let Some(cost) = DEAREST.raised(target.look(bytes)) {
        eprintln!("dearest so far: {:?} and {:.1} MiB", cost.time, cost.memory as f64 / MIB as f64);
    }
}
