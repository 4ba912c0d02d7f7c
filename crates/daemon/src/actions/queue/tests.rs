//! Nothing is lost, and nothing grows without bound.

use super::*;
use base::Timestamp;

/// Jobs that go at once.
const BATCH: usize = 16;

fn ticket(number: usize) -> Arc<Ticket> {
    let [_, a, b, c] = (number as u32).to_be_bytes();
    let id = FailureId::host([10, a, b, c].into());
    Arc::new(Ticket::bare(id, Timestamp::from_secs(0)))
}

fn ban(number: usize) -> Job {
    Job::Ban(ticket(number), Counters::default())
}

#[test]
fn order_is_kept() {
    let mut queue = Queue::default();
    let (again, unban) = (Job::Again(ticket(1)), Job::Unban(ticket(1)));
    let jobs = [Job::Start, ban(1), again, unban, ban(1), Job::Stop];
    for job in &jobs {
        assert!(!queue.push(job.clone()));
    }
    assert_eq!(queue.take(4), jobs[..4]);
    assert_eq!(queue.take(16), jobs[4..]);
    assert!(queue.is_empty());
}

#[test]
fn a_full_queue_owes_bans_and_says_so_once() {
    let mut queue = Queue::default();
    let all = 0..MOST_WAITING + 5;
    let said: Vec<usize> = all.filter(|number| queue.push(ban(*number))).collect();
    assert_eq!((said, queue.len()), (vec![MOST_WAITING], MOST_WAITING + 5));
    assert_eq!(queue.put_off(), 5);
    // The end of what is owed, and of what waits, takes both away.
    queue.push(Job::Unban(ticket(MOST_WAITING)));
    queue.push(Job::Unban(ticket(3)));
    assert_eq!(queue.len(), MOST_WAITING + 3);
    assert_eq!(queue.due().len(), 1);
    let taken = queue.take(usize::MAX);
    assert!(!taken.contains(&ban(3)) && !taken.contains(&Job::Unban(ticket(3))));
    assert_eq!(queue.due().len(), 3);
    assert!(queue.is_empty());
    // Where there is room everything is told.
    queue.push(ban(1));
    queue.push(Job::Unban(ticket(1)));
    assert_eq!(queue.take(9).len(), 2);
}

#[test]
fn only_the_last_length_of_a_ban_waits() {
    let mut queue = Queue::default();
    let longer = |number, seconds| {
        let ticket = Ticket {
            length: Some(base::Span::from_secs(seconds)),
            ..(*ticket(number)).clone()
        };
        Job::Prolong(Arc::new(ticket))
    };
    queue.push(ban(1));
    for seconds in 0..50_000 {
        queue.push(longer(1, seconds));
        queue.push(longer(2, seconds));
    }
    // Where something else came between, both are told.
    queue.push(Job::Unban(ticket(1)));
    queue.push(ban(1));
    queue.push(longer(1, 7));
    let expected = [
        ban(1),
        longer(1, 49_999),
        longer(2, 49_999),
        Job::Unban(ticket(1)),
        ban(1),
        longer(1, 7),
    ];
    assert_eq!(queue.take(usize::MAX), expected);
}

#[test]
fn a_ban_that_is_lined_up_is_owed_no_more() {
    let mut queue = Queue::default();
    for number in 0..=MOST_WAITING {
        queue.push(ban(number));
    }
    // The action does nothing at ends and did not hear of this one's; it comes back.
    queue.take(BATCH);
    queue.push(ban(MOST_WAITING));
    assert_eq!(queue.due(), []);
    let told = queue.take(usize::MAX);
    let times = told.iter().filter(|job| **job == ban(MOST_WAITING));
    assert_eq!(times.count(), 1);
}

#[test]
fn an_end_is_never_taken_for_that_of_another_ban() {
    let mut queue = Queue::default();
    queue.push(Job::Unban(ticket(0)));
    for number in 0..MOST_WAITING {
        queue.push(ban(number));
    }
    // Its ban came after an end: told in order, one by one.
    queue.push(Job::Unban(ticket(0)));
    let taken = queue.take(usize::MAX);
    let end = Some(&Job::Unban(ticket(0)));
    assert_eq!((taken.first(), taken.last()), (end, end));
    assert!(taken.contains(&ban(0)));
}

#[test]
fn at_the_end_bans_are_dropped_and_their_ends_kept() {
    let mut queue = Queue::default();
    let (again, unban) = (Job::Again(ticket(1)), Job::Unban(ticket(2)));
    for job in [Job::Start, ban(1), unban.clone(), again, Job::Stop] {
        queue.push(job);
    }
    assert_eq!(queue.drop_bans(), 2);
    assert_eq!(queue.take(9), [Job::Start, unban, Job::Stop]);
}

#[test]
fn what_there_was_no_time_for_is_next_again_unless_it_tells_of_a_ban() {
    let mut queue = Queue::default();
    let (again, unban) = (Job::Again(ticket(1)), Job::Unban(ticket(2)));
    queue.push(Job::Stop);
    queue.put_back(vec![ban(1), unban.clone(), again, Job::Flush(Vec::new())]);
    assert_eq!(queue.take(9), [unban, Job::Flush(Vec::new()), Job::Stop]);
}

#[test]
fn nobody_is_woken_for_nothing() {
    let action = |option: &str| super::super::definition::tests::action(&[(option, "x")]).0;
    let (again, prolong) = (Job::Again(ticket(1)), Job::Prolong(ticket(1)));
    let (unban, flush) = (Job::Unban(ticket(1)), Job::Flush(Vec::new()));
    let check = |option: &str, expected: [bool; 4]| {
        let action = action(option);
        let jobs = [&again, &prolong, &unban, &flush];
        assert_eq!(
            jobs.map(|job| job.concerns(Some(&action))),
            expected,
            "{option}"
        );
        assert!(ban(1).concerns(Some(&action)) && Job::Stop.concerns(Some(&action)));
    };
    check("actionban", [false, false, false, false]);
    check("actioncheck", [true, true, true, true]);
    check("actionprolong", [false, true, false, false]);
    check("actionunban", [false, false, true, true]);
    check("actionflush", [false, false, false, true]);
    assert!(!unban.concerns(None) && ban(1).concerns(None) && Job::Start.concerns(None));
}
