//! Tests that need observations, and observations that are enough for some: a flow of whole units.

use std::collections::{HashMap, VecDeque};

use super::limits::Steps;
use super::table::Observed;

/// How many observations a test needs, and which it can have.
#[derive(Debug)]
pub(super) struct Demand {
    pub(super) count: u64,
    pub(super) candidates: Vec<u32>,
    /// What the candidates have together.
    pub(super) capacity: u64,
}

/// Whether all demands can be met at once. A demand whose candidates have at least `most`, which is as much as all
/// demands together ever take, is met last and always; only the others are looked at. `None`: out of steps.
pub(super) fn is_feasible(
    demands: Vec<Demand>,
    observed: &[Observed],
    most: u64,
    steps: &mut Steps,
) -> Option<bool> {
    let scarce: Vec<Demand> = demands.into_iter().filter(|demand| demand.capacity < most).collect();
    if scarce.len() < 2 {
        // Each alone has enough; whoever calls has seen to that.
        return Some(scarce.iter().all(|demand| demand.capacity >= demand.count));
    }
    Flow::new(scarce, observed).run(steps).map(|flow| flow.is_some())
}

/// For each demand the observations that meet it; `None` within where they cannot all be met.
#[expect(clippy::option_option, reason = "out of steps, and no flow, are different answers")]
pub(super) fn assign(
    demands: Vec<Demand>,
    observed: &[Observed],
    most: u64,
    steps: &mut Steps,
) -> Option<Option<Vec<Vec<u32>>>> {
    // Scarce ones first, so that the others take what is left.
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by_key(|number| demands[*number].capacity >= most);
    let mut slots: Vec<Option<Demand>> = demands.into_iter().map(Some).collect();
    let sorted = order.iter().filter_map(|number| slots[*number].take()).collect();
    let Some(lists) = Flow::new(sorted, observed).run(steps)? else { return Some(None) };
    let mut assigned = vec![Vec::new(); order.len()];
    for (number, list) in order.into_iter().zip(lists) {
        assigned[number] = list;
    }
    Some(Some(assigned))
}

struct Flow {
    demands: Vec<Demand>,
    /// Of each demand its observations as numbers of `free`, in the order of its candidates.
    edges: Vec<Vec<usize>>,
    /// Of each demand and edge what flows.
    flow: Vec<Vec<u64>>,
    /// What each observation has left.
    free: Vec<u64>,
    /// Of each observation the demands and edges that lead to it.
    back: Vec<Vec<(usize, usize)>>,
}

impl Flow {
    fn new(demands: Vec<Demand>, observed: &[Observed]) -> Self {
        let mut numbers = HashMap::new();
        let mut free = Vec::new();
        let mut back: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut edges = Vec::with_capacity(demands.len());
        for (number, demand) in demands.iter().enumerate() {
            let mut own = Vec::with_capacity(demand.candidates.len());
            for (edge, index) in demand.candidates.iter().enumerate() {
                let node = *numbers.entry(*index).or_insert_with(|| {
                    free.push(observed[*index as usize].count);
                    back.push(Vec::new());
                    free.len() - 1
                });
                back[node].push((number, edge));
                own.push(node);
            }
            edges.push(own);
        }
        let flow = edges.iter().map(|own| vec![0; own.len()]).collect();
        Self { demands, edges, flow, free, back }
    }

    #[expect(clippy::option_option, reason = "out of steps, and no flow, are different answers")]
    fn run(mut self, steps: &mut Steps) -> Option<Option<Vec<Vec<u32>>>> {
        for number in 0..self.demands.len() {
            let mut missing = self.demands[number].count;
            // What is free without moving anything.
            for (edge, node) in self.edges[number].iter().enumerate() {
                steps.take(1)?;
                let units = missing.min(self.free[*node]);
                self.free[*node] -= units;
                self.flow[number][edge] += units;
                missing -= units;
                if missing == 0 {
                    break;
                }
            }
            while missing > 0 {
                match self.augment(number, missing, steps)? {
                    0 => return Some(None),
                    units => missing -= units,
                }
            }
        }
        let lists = self.demands.iter().zip(&self.flow).map(|(demand, flow)| {
            demand
                .candidates
                .iter()
                .zip(flow)
                .filter(|(_, units)| **units > 0)
                .map(|(index, _)| *index)
                .collect()
        });
        Some(Some(lists.collect()))
    }

    /// Moves other demands' units so that demand `start` gets up to `missing`; how many it got.
    fn augment(&mut self, start: usize, missing: u64, steps: &mut Steps) -> Option<u64> {
        // Of each observation the demand and edge by which it was reached.
        let mut reached: Vec<Option<(usize, usize)>> = vec![None; self.free.len()];
        // Of each demand the observation from which it would be moved away.
        let mut moved: Vec<Option<usize>> = vec![None; self.demands.len()];
        let mut seen = vec![false; self.demands.len()];
        seen[start] = true;
        let mut queue = VecDeque::from([start]);
        while let Some(number) = queue.pop_front() {
            for (edge, node) in self.edges[number].iter().enumerate() {
                steps.take(1)?;
                if reached[*node].is_some() {
                    continue;
                }
                reached[*node] = Some((number, edge));
                if self.free[*node] > 0 {
                    return Some(self.push(start, *node, missing, &reached, &moved));
                }
                for (other, back) in &self.back[*node] {
                    steps.take(1)?;
                    if !seen[*other] && self.flow[*other][*back] > 0 {
                        seen[*other] = true;
                        moved[*other] = Some(*node);
                        queue.push_back(*other);
                    }
                }
            }
        }
        Some(0)
    }

    /// Pushes units along the way that was found.
    fn push(
        &mut self,
        start: usize,
        last: usize,
        missing: u64,
        reached: &[Option<(usize, usize)>],
        moved: &[Option<usize>],
    ) -> u64 {
        // The way from its end: an edge that gains, and one of the same demand that loses.
        let mut way = Vec::new();
        let mut units = missing.min(self.free[last]);
        let mut node = last;
        while let Some((number, gains)) = reached[node] {
            let from = if number == start { None } else { moved[number] };
            let loses = from.and_then(|from| self.edges[number].iter().position(|edge| *edge == from));
            if let Some(loses) = loses {
                units = units.min(self.flow[number][loses]);
            }
            way.push((number, gains, loses));
            match from {
                Some(from) => node = from,
                None => break,
            }
        }
        self.free[last] -= units;
        for (number, gains, loses) in way {
            self.flow[number][gains] += units;
            if let Some(loses) = loses {
                self.flow[number][loses] -= units;
            }
        }
        units
    }
}
