//! Threads beside the main one, none of which may die alone: a service that goes on without one of its threads would look sound and not be so.
//!
//! A panic in one is a mistake of ours. It is carried to the main thread, which asks for it all the time and goes on with it: everything is made dark, what
//! was counted is written, the program ends, and systemd starts it again.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]
#![expect(clippy::disallowed_methods, reason = "here threads are started")]

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle, Scope};

/// Starts threads, and knows whether one of them has panicked. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Workers(Arc<Mutex<Option<Panic>>>);

/// What a thread panicked with.
type Panic = Box<dyn Any + Send>;

impl Workers {
    /// Starts a thread; `name` is what `top -H` and a panic call it, 15 bytes of it.
    ///
    /// # Errors
    /// If the system has no thread for us.
    pub fn start(&self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Worker> {
        Ok(Worker(Some(Builder::new().name(name.into()).spawn(self.watched(work))?)))
    }

    /// As [`start`](Self::start), for work that borrows; `scope` waits for it at its end.
    ///
    /// # Errors
    /// The same.
    pub fn start_scoped<'scope>(
        &self,
        scope: &'scope Scope<'scope, '_>,
        name: &str,
        work: impl FnOnce() + Send + 'scope,
    ) -> io::Result<()> {
        Builder::new().name(name.into()).spawn_scoped(scope, self.watched(work)).map(drop)
    }

    /// Goes on with the panic of a thread, the first if there were several; does nothing if there was none.
    pub fn raise(&self) {
        let panic = self.lock().take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    fn watched<Work: FnOnce()>(&self, work: Work) -> impl FnOnce() + use<Work> {
        let workers = self.clone();
        move || {
            // Nothing that `work` has left half done is looked at again.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
                workers.lock().get_or_insert(panic);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Panic>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread. Dropping it wakes the thread and waits for its end, which somebody must have asked it for.
pub struct Worker(Option<JoinHandle<()>>);

impl Worker {
    /// Wakes it if it is parked, else when it next parks.
    pub fn wake(&self) {
        if let Some(thread) = &self.0 {
            thread.thread().unpark();
        }
    }

    /// Leaves it to itself: nobody waits for its end. It may still panic, and not unnoticed.
    pub fn leave(&mut self) {
        self.0 = None;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.wake();
        if let Some(thread) = self.0.take() {
            // A panic in there has been caught.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::panic::catch_unwind;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// What every thread that is to be caught panics with in a test.
    pub(crate) const MISTAKE: &str = "a mistake of ours";

    /// Whether the main thread learns within five seconds of a panic with [`MISTAKE`].
    pub(crate) fn has_panicked(workers: &Workers) -> bool {
        (0..500).any(|_| {
            raises(workers) || {
                thread::sleep(Duration::from_millis(10));
                false
            }
        })
    }

    fn raises(workers: &Workers) -> bool {
        catch_unwind(AssertUnwindSafe(|| workers.raise())).is_err_and(|panic| panic.downcast_ref() == Some(&MISTAKE))
    }

    #[test]
    fn a_panic_of_any_thread_is_carried_on_once_and_what_the_thread_had_is_dropped_before() {
        /// Lit until it is dropped.
        struct Light(Arc<AtomicBool>);
        impl Drop for Light {
            fn drop(&mut self) {
                self.0.store(false, Ordering::SeqCst);
            }
        }
        let workers = Workers::default();
        let lit = Arc::new(AtomicBool::new(true));
        let light = Light(Arc::clone(&lit));
        let worker = workers.start("mistaken", move || {
            let _light = light;
            panic!("a mistake of ours")
        });
        assert!(has_panicked(&workers));
        assert!(!lit.load(Ordering::SeqCst));
        drop(worker.unwrap());
        assert!(!raises(&workers));
    }

    #[test]
    fn a_panic_is_known_once_its_thread_has_been_waited_for_and_found_out_if_nobody_waits() {
        let workers = Workers::default();
        drop(workers.start("mistaken", || panic!("a mistake of ours")).unwrap());
        assert!(raises(&workers));
        thread::scope(|scope| workers.start_scoped(scope, "borrowing", || panic!("a mistake of ours")).unwrap());
        assert!(raises(&workers));
        workers.start("left alone", || panic!("a mistake of ours")).unwrap().leave();
        assert!(has_panicked(&workers));
    }

    #[test]
    fn a_thread_that_parks_is_woken_at_the_end_and_has_ended_when_it_is_dropped() {
        let (end, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (theirs, told) = (Arc::clone(&end), Arc::clone(&ended));
        let worker = Workers::default().start("parked", move || {
            while !theirs.load(Ordering::SeqCst) {
                thread::park();
            }
            told.store(true, Ordering::SeqCst);
        });
        end.store(true, Ordering::SeqCst);
        drop(worker.unwrap());
        assert!(ended.load(Ordering::SeqCst));
    }
}
