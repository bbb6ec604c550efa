//! Servers good and bad, crashes between any two steps: nothing is lost in silence, nothing doubled, every walk ends.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paging {
    /// As the standard says.
    Right,
    /// `more` without `next`.
    NoNext,
    /// The same `next` again and again.
    Circle,
    /// Every `next` is refused.
    Refused,
    /// One `next` for a whole walk; the server remembers how far it is, as the reference server does.
    Session,
}

#[derive(Debug, Clone)]
struct Server {
    /// Times of addition and ids, in order.
    objects: Vec<(Micros, u32)>,
    cap: usize,
    /// Takes `added_after` to include that time.
    inclusive: bool,
    tells_times: bool,
    paging: Paging,
    session: std::cell::Cell<usize>,
}

const START: Micros = 1_800_000_000_000_000;

impl Server {
    fn now(&self) -> Micros {
        self.objects.last().map_or(START, |(time, _)| *time)
    }

    fn add(&mut self, count: u32, later: Micros) {
        let time = self.now() + later;
        let next = u32::try_from(self.objects.len()).unwrap();
        self.objects.extend((next..next + count).map(|id| (time, id)));
    }

    /// `None`: the `next` is refused.
    fn answer(&self, ask: Ask<'_>) -> Option<(Vec<u32>, PageFacts)> {
        let from = match ask.next {
            Some(_) if self.paging == Paging::Refused => return None,
            Some(_) if self.paging == Paging::Session => self.session.get(),
            Some(next) => next.parse().unwrap(),
            None => self.objects.partition_point(|(time, _)| {
                ask.added_after
                    .is_some_and(|after| if self.inclusive { *time < after } else { *time <= after })
            }),
        };
        let rest = &self.objects[from.min(self.objects.len())..];
        let page = &rest[..rest.len().min(self.cap).min(ask.limit as usize)];
        let more = page.len() < rest.len();
        self.session.set(from + page.len());
        let next = match self.paging {
            Paging::Right | Paging::Refused => Some((from + page.len()).to_string()),
            Paging::NoNext => None,
            Paging::Circle => Some("0".to_owned()),
            Paging::Session => Some("session".to_owned()),
        };
        let facts = PageFacts {
            more,
            next: next.filter(|_| more),
            objects: page.len(),
            fresh: 0,
            digest: page
                .iter()
                .fold(7_u64, |hash, (_, id)| hash.wrapping_mul(31).wrapping_add(u64::from(*id))),
            last_added: page.last().map(|(time, _)| *time).filter(|_| self.tells_times),
            server_time: self.now(),
        };
        Some((page.iter().map(|(_, id)| *id).collect(), facts))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crash {
    No,
    /// Before the objects are stored.
    BeforeObjects,
    /// After the objects, before the place.
    BeforePlace,
    /// After both.
    After,
}

/// The client with what it has on disk.
struct Disk {
    objects: BTreeSet<u32>,
    place: PullPlace,
    faults: Vec<PullFault>,
    limit: u32,
}

impl Disk {
    /// One question and what follows from it; `None` when the process is gone.
    fn step(&mut self, pull: &mut Pull, server: &Server, crash: Crash) -> Option<Step> {
        let step = match server.answer(pull.ask()) {
            None => pull.next_refused(),
            Some((ids, mut facts)) => {
                if crash == Crash::BeforeObjects {
                    return None;
                }
                facts.fresh = ids.into_iter().filter(|id| self.objects.insert(*id)).count();
                if crash == Crash::BeforePlace {
                    return None;
                }
                pull.answered(&facts)
            }
        };
        self.place = pull.place().clone();
        if let Step::GoOn(Some(fault)) | Step::Stop(fault) = &step {
            self.faults.push(fault.clone());
        }
        (crash == Crash::No).then_some(step)
    }

    /// The place survives being written down.
    fn resume(&self) -> Pull {
        let text = serde_json::to_string(&self.place).unwrap();
        Pull::resume(serde_json::from_str(&text).unwrap(), self.limit)
    }

    /// A walk to its end; how many questions it took.
    fn walk(&mut self, server: &Server) -> usize {
        let mut pull = self.resume();
        for questions in 1..=2 * server.objects.len() + 60 {
            match self.step(&mut pull, server, Crash::No).unwrap() {
                Step::GoOn(_) => {}
                Step::Done | Step::Stop(_) => return questions,
            }
        }
        panic!("the walk does not end: {:?}", self.place);
    }
}

#[derive(Debug, Clone)]
enum Event {
    Add(u32, Micros),
    Ask(Crash),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let crash = prop_oneof![
        6 => Just(Crash::No), 1 => Just(Crash::BeforeObjects), 1 => Just(Crash::BeforePlace), 1 => Just(Crash::After)
    ];
    let event = prop_oneof![
        1 => (1_u32..30, 0_i64..3).prop_map(|(count, later)| Event::Add(count, later)),
        3 => crash.prop_map(Event::Ask),
    ];
    proptest::collection::vec(event, 1..60)
}

fn servers() -> impl Strategy<Value = Server> {
    let paging = prop_oneof![
        Just(Paging::Right),
        Just(Paging::NoNext),
        Just(Paging::Circle),
        Just(Paging::Refused),
        Just(Paging::Session)
    ];
    (1_usize..12, any::<bool>(), any::<bool>(), paging).prop_map(|(cap, inclusive, tells_times, paging)| {
        Server { objects: Vec::new(), cap, inclusive, tells_times, paging, session: Default::default() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_lost_in_silence_and_every_walk_ends(
        mut server in servers(),
        events in events(),
        limit in 1_u32..20,
    ) {
        let mut disk =
            Disk { objects: BTreeSet::new(), place: PullPlace::default(), faults: Vec::new(), limit };
        let mut pull = disk.resume();
        // Something is added at the time of the last object only while its walk is under way or has just ended: later
        // the standard's own `added_after` would miss it too.
        let mut walked = 0;
        for event in events {
            match event {
                Event::Add(count, later) => {
                    server.add(count, if walked > 0 { later.max(1) } else { later });
                    walked = 0;
                }
                Event::Ask(crash) => match disk.step(&mut pull, &server, crash) {
                    None => {
                        // The end of a walk may have been kept before the crash.
                        walked += usize::from(crash == Crash::After);
                        pull = disk.resume();
                    }
                    Some(Step::GoOn(_)) => {}
                    Some(Step::Done | Step::Stop(_)) => {
                        walked += 1;
                        pull = disk.resume();
                    }
                },
            }
        }
        for _ in 0..3 {
            disk.walk(&server);
        }
        let all: BTreeSet<u32> = server.objects.iter().map(|(_, id)| *id).collect();
        if matches!(server.paging, Paging::Right | Paging::Session) {
            prop_assert_eq!(&disk.faults, &Vec::new());
        }
        if disk.faults.is_empty() {
            prop_assert_eq!(&disk.objects, &all);
        } else if server.tells_times {
            // What goes round in a circle is got over by times, unless one time has more than a page.
            let crowded = disk.faults.iter().any(|fault| matches!(fault, PullFault::Crowded { .. }));
            prop_assert!(crowded || disk.objects == all, "{:?}", disk.faults);
        }
        // With all taken, a pull moves nothing.
        if server.paging == Paging::Right && server.tells_times {
            let mut pull = disk.resume();
            let (ids, _) = server.answer(pull.ask()).unwrap();
            prop_assert_eq!(ids, Vec::<u32>::new());
            prop_assert_eq!(disk.step(&mut pull, &server, Crash::No), Some(Step::Done));
        }
    }
}

fn disk(limit: u32) -> Disk {
    Disk { objects: BTreeSet::new(), place: PullPlace::default(), faults: Vec::new(), limit }
}

fn server(paging: Paging, tells_times: bool, cap: usize) -> Server {
    Server { objects: Vec::new(), cap, inclusive: false, tells_times, paging, session: Default::default() }
}

#[test]
fn thousands_of_one_time_and_no_next() {
    // The server's pages are as large as they are asked for: doubling finds the end of the crowd.
    let mut growing = server(Paging::NoNext, true, 1 << 20);
    growing.add(5000, 1);
    growing.add(7, 1);
    let mut ours = disk(100);
    ours.walk(&growing);
    assert_eq!((ours.objects.len(), ours.faults.len()), (5007, 0));
    // Where they are not, the time is named and what comes later is still taken.
    let mut capped = server(Paging::NoNext, true, 100);
    capped.add(5000, 1);
    capped.add(7, 1);
    let mut ours = disk(100);
    ours.walk(&capped);
    assert_eq!(ours.objects.len(), 107);
    assert_eq!(ours.faults, [PullFault::Crowded { at: START + 1 }]);
}

#[test]
fn what_leads_nowhere_is_named_and_the_place_stays() {
    for (paging, code) in [(Paging::Circle, "taxii::same_page"), (Paging::NoNext, "taxii::no_way_on")] {
        let mut blind = server(paging, false, 3);
        blind.add(10, 1);
        let mut ours = disk(2);
        let questions = ours.walk(&blind);
        assert!(questions < 30, "{questions}");
        assert_eq!(ours.faults.last().map(PullFault::code), Some(code));
        assert_eq!(ours.place, PullPlace::default());
    }
}

#[test]
fn pages_without_objects_that_promise_more_end() {
    let mut pull = Pull::new(PullPlace::default(), 10);
    let empty =
        PageFacts { more: true, next: Some("a".to_owned()), server_time: START, ..PageFacts::default() };
    let steps: Vec<Step> = (0..3).map(|_| pull.answered(&empty)).collect();
    assert_eq!(steps[..2], [Step::GoOn(None), Step::GoOn(None)]);
    assert_eq!(steps[2], Step::Stop(PullFault::SamePage));
}

#[test]
fn times_of_the_future_are_not_believed() {
    let mut pull = Pull::new(PullPlace::default(), 10);
    let page = |last| PageFacts {
        objects: 1,
        fresh: 1,
        last_added: Some(last),
        server_time: START,
        ..PageFacts::default()
    };
    assert_eq!(pull.answered(&page(i64::MAX)), Step::Done);
    assert_eq!(pull.place().taken_up_to(), Some(START - OVERLAP_MICROS));
    assert_eq!(pull.answered(&page(START)), Step::Done);
    assert_eq!(pull.place().taken_up_to(), Some(START - 1));
}

#[test]
fn too_large_pages_are_asked_for_smaller_and_grow_again() {
    let mut pull = Pull::new(PullPlace::default(), 5);
    assert!(pull.too_large() && pull.too_large());
    assert_eq!(pull.ask().limit, 1);
    assert!(!pull.too_large(), "one object alone is too large");
    let page =
        PageFacts { more: true, next: Some("a".to_owned()), objects: 1, digest: 1, ..PageFacts::default() };
    assert_eq!(pull.answered(&page), Step::GoOn(None));
    assert_eq!(pull.ask().limit, 2);
    assert_eq!(pull.ask().query("match%5Btype%5D=x"), "limit=2&next=a&match%5Btype%5D=x");
}
