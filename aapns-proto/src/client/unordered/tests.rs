//! Wakes in any order, late ones, and from other threads.

use super::*;
use std::future::Ready;

/// Ready once its cell is filled.
#[derive(Clone, Default)]
struct Cell(Arc<Mutex<(Option<u32>, Option<Waker>)>>);

impl Cell {
    fn fill(&self, value: u32) {
        let mut cell = self.0.lock().expect("unpoisoned");
        cell.0 = Some(value);
        if let Some(waker) = cell.1.take() {
            waker.wake();
        }
    }
}

impl Future for Cell {
    type Output = u32;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        let mut cell = self.0.lock().expect("unpoisoned");
        cell.1 = Some(cx.waker().clone());
        cell.0.map_or(Poll::Pending, Poll::Ready)
    }
}

#[derive(Default)]
struct Count(std::sync::atomic::AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn results_come_as_they_are_done() {
    let cx = &mut Context::from_waker(Waker::noop());
    let mut set = Unordered::new();
    let cells: Vec<Cell> = (0..3).map(|_| Cell::default()).collect();
    for (n, cell) in cells.iter().enumerate() {
        set.push(n, cell.clone());
    }
    assert!(set.poll_due(cx).is_pending());
    cells[2].fill(20);
    assert_eq!(set.poll_due(cx), Poll::Ready(Some((2, 20))));
    cells[0].fill(10);
    assert_eq!(set.poll_due(cx), Poll::Ready(Some((0, 10))));
    assert!(set.poll_due(cx).is_pending());
    set.push(7, cells[0].clone());
    assert_eq!(set.len(), 2);
    assert_eq!(set.poll_due(cx), Poll::Ready(Some((7, 10))));
    cells[1].fill(5);
    assert_eq!(set.poll_due(cx), Poll::Ready(Some((1, 5))));
    assert_eq!(set.poll_due(cx), Poll::Ready(None));
}

#[test]
fn one_that_wakes_itself_lets_the_others_of_its_thread_go_on() {
    struct Restless(u32);
    impl Future for Restless {
        type Output = u32;
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
            self.0 += 1;
            cx.waker().wake_by_ref();
            match self.0 {
                3.. => Poll::Ready(self.0),
                _ => Poll::Pending,
            }
        }
    }
    let mut set = Unordered::new();
    set.push((), Restless(0));
    let woken = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&woken));
    let cx = &mut Context::from_waker(&waker);
    assert!(set.poll_due(cx).is_pending());
    assert!(set.poll_due(cx).is_pending());
    assert_eq!(
        woken.0.load(Ordering::Relaxed),
        2,
        "it is to be polled again"
    );
    assert_eq!(set.poll_due(cx), Poll::Ready(Some(((), 3))));
}

#[test]
fn what_is_done_together_comes_in_the_order_in_which_it_was_added() {
    let cx = &mut Context::from_waker(Waker::noop());
    let mut set = Unordered::new();
    for round in 0..3 {
        let cells: Vec<Cell> = (0..200).map(|_| Cell::default()).collect();
        for (n, cell) in cells.iter().enumerate() {
            set.push(n, cell.clone());
        }
        assert!(set.poll_due(cx).is_pending());
        cells.iter().for_each(|cell| cell.fill(round));
        for n in 0..200 {
            assert_eq!(set.poll_due(cx), Poll::Ready(Some((n, round))));
        }
    }
}

#[test]
fn a_late_wake_of_what_was_there_before_does_no_harm() {
    let cx = &mut Context::from_waker(Waker::noop());
    let (first, second) = (Cell::default(), Cell::default());
    let mut set = Unordered::new();
    set.push(1, first.clone());
    assert!(set.poll_due(cx).is_pending());
    let late = first.0.lock().expect("unpoisoned").1.clone();
    first.fill(10);
    assert_eq!(set.poll_due(cx), Poll::Ready(Some((1, 10))));
    set.push(2, second.clone());
    late.expect("a waker").wake();
    assert!(set.poll_due(cx).is_pending());
    second.fill(20);
    assert_eq!(set.poll_due(cx), Poll::Ready(Some((2, 20))));
}

#[test]
fn no_wake_of_another_thread_is_lost() {
    const COUNT: usize = 20_000;
    let (sender, cells) = std::sync::mpsc::channel::<Cell>();
    let cells = Arc::new(Mutex::new(cells));
    let fill = || {
        let cells = Arc::clone(&cells);
        std::thread::spawn(move || {
            loop {
                let cell = cells.lock().expect("unpoisoned").recv();
                let Ok(cell) = cell else { return };
                cell.fill(1);
            }
        })
    };
    let threads = [fill(), fill(), fill()];
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let cx = &mut Context::from_waker(&waker);
    let mut set = Unordered::new();
    let (mut begun, mut done) = (0, 0);
    while done < COUNT {
        while begun < COUNT && set.len() < 200 {
            let cell = Cell::default();
            set.push(begun, cell.clone());
            sender.send(cell).expect("threads listen");
            begun += 1;
        }
        match set.poll_due(cx) {
            Poll::Ready(_) => done += 1,
            Poll::Pending => std::thread::park(),
        }
    }
    drop(sender);
    for thread in threads {
        thread.join().expect("no panic");
    }
}

#[test]
fn a_future_ready_at_once_needs_no_wake() {
    let cx = &mut Context::from_waker(Waker::noop());
    let mut set: Unordered<(), Ready<u8>> = Unordered::new();
    set.push((), std::future::ready(1));
    assert_eq!(set.poll_due(cx), Poll::Ready(Some(((), 1))));
}

#[test]
fn whoever_polls_is_woken_when_something_is_due() {
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut set = Unordered::new();
    let cell = Cell::default();
    set.push((), cell.clone());
    assert!(set.poll_due(&mut Context::from_waker(&waker)).is_pending());
    cell.fill(1);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
}
