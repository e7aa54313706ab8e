//! Which pictures a subscriber gets in which layer, when its line cannot take
//! all of them. A pure computation: what is wished, what it costs, what there
//! is; property tests below say what always holds.

use std::cmp::Reverse;

use crate::layers::Quality;

/// A layer above the present one is taken up only when this part of the
/// budget suffices for it: a line that is just wide enough would otherwise
/// make the picture change to and fro.
const RAISE_WITHIN: (u64, u64) = (85, 100);
/// A lowest layer that flows is kept when this part of its cost is there: an
/// estimate that falls because packets are lost falls too far, and if the
/// line really is too narrow, what piles up will show it.
const KEEP_WITHIN: (u64, u64) = (75, 100);

/// One step of a track's ladder of layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rung {
    pub quality: Quality,
    /// Bits per second.
    pub cost: u64,
}

/// What a subscriber wishes of one track.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The layers up to the wished one, cheapest first; never empty.
    pub ladder: Vec<Rung>,
    /// A shared screen: small text is worthless when blurred, so it is the
    /// last to be scaled down.
    pub detail: bool,
    /// Its publisher speaks or has spoken last: paused after the others.
    pub speaks: bool,
    /// Rungs granted until now; none is paused.
    pub granted: usize,
    /// Costs nothing to begin: while nothing is known of the line yet.
    pub free_start: bool,
}

/// How many rungs of each wish's ladder `budget` bits per second allow; 0
/// pauses it.
///
/// First everybody's lowest layer, shared screens before faces and speakers
/// before listeners; then shared screens up to what is wished; then faces,
/// step by step and all alike.
pub(crate) fn allocate(budget: u64, wishes: &[Wish]) -> Vec<usize> {
    let mut granted = vec![0; wishes.len()];
    let mut left = budget;
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|i| (!wishes[*i].detail, !wishes[*i].speaks, Reverse(wishes[*i].granted.min(1))));
    for i in &order {
        step(budget, &mut left, &wishes[*i], &mut granted[*i]);
    }
    for detail in [true, false] {
        let mut rising = true;
        while rising {
            rising = false;
            for i in order.iter().filter(|i| wishes[**i].detail == detail) {
                // Whoever has nothing does not climb past it.
                rising |= granted[*i] > 0 && step(budget, &mut left, &wishes[*i], &mut granted[*i]);
            }
        }
    }
    granted
}

/// Grants one rung more when there is room for what it costs more.
fn step(budget: u64, left: &mut u64, wish: &Wish, granted: &mut usize) -> bool {
    let Some(next) = wish.ladder.get(*granted) else {
        return false;
    };
    let before = granted.checked_sub(1).map_or(0, |below| wish.ladder[below].cost);
    let more = next.cost.saturating_sub(before);
    let raises = *granted >= wish.granted;
    let fits = match *granted {
        0 if wish.free_start => true,
        0 if raises => more <= *left,
        0 => more * KEEP_WITHIN.0 / KEEP_WITHIN.1 <= *left,
        _ if raises => more + (budget - budget * RAISE_WITHIN.0 / RAISE_WITHIN.1) <= *left,
        _ => more <= *left,
    };
    if !fits {
        return false;
    }
    *left = left.saturating_sub(more);
    *granted += 1;
    true
}

/// What was granted costs, bits per second.
pub(crate) fn cost(wish: &Wish, granted: usize) -> u64 {
    granted.checked_sub(1).and_then(|top| wish.ladder.get(top)).map_or(0, |rung| rung.cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(costs: &[u64]) -> Vec<Rung> {
        costs.iter().zip(0..).map(|(cost, quality)| Rung { quality, cost: *cost }).collect()
    }

    fn face(granted: usize) -> Wish {
        Wish { ladder: ladder(&[150, 500, 1_700]), detail: false, speaks: false, granted, free_start: false }
    }

    fn screen(granted: usize) -> Wish {
        Wish { ladder: ladder(&[600, 2_000]), detail: true, ..face(granted) }
    }

    #[test]
    fn a_wide_line_gives_everybody_everything() {
        assert_eq!(allocate(100_000, &[face(0), screen(0), face(0)]), [3, 2, 3]);
    }

    #[test]
    fn faces_shrink_before_the_screen_does() {
        assert_eq!(allocate(2_400, &[face(3), screen(2), face(3)]), [1, 2, 1]);
        assert_eq!(allocate(1_000, &[face(3), screen(2), face(3)]), [1, 1, 1]);
        // And are paused before it is.
        assert_eq!(allocate(700, &[face(1), screen(1), face(1)]), [0, 1, 0]);
    }

    #[test]
    fn who_speaks_is_paused_last() {
        let listener = face(1);
        let speaker = Wish { speaks: true, ..face(1) };
        assert_eq!(allocate(200, &[listener, speaker]), [0, 1]);
    }

    #[test]
    fn climbing_needs_more_room_than_staying() {
        assert_eq!(allocate(520, &[face(2)]), [2]);
        assert_eq!(allocate(520, &[face(1)]), [1]);
        assert_eq!(allocate(600, &[face(1)]), [2]);
        assert_eq!(allocate(160, &[face(1)]), [1]);
        assert_eq!(allocate(160, &[face(0)]), [1]);
        assert_eq!(allocate(140, &[face(0)]), [0]);
        assert_eq!(allocate(120, &[face(1)]), [1]);
        assert_eq!(allocate(100, &[face(1)]), [0]);
    }

    #[test]
    fn nothing_is_paused_for_an_unknown_line() {
        let new = Wish { free_start: true, ..face(0) };
        assert_eq!(allocate(0, &[new]), [1]);
    }

    /// A small generator of its own: budgets and ladders from a seed.
    fn any(seed: &mut u64, below: u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below
    }

    fn any_wishes(seed: &mut u64) -> Vec<Wish> {
        (0..any(seed, 10))
            .map(|_| {
                let mut cost = 0;
                let rungs = 1 + any(seed, 3);
                let costs: Vec<u64> = (0..rungs)
                    .map(|_| {
                        cost += 1 + any(seed, 2_000);
                        cost
                    })
                    .collect();
                Wish {
                    ladder: self::ladder(&costs),
                    detail: any(seed, 4) == 0,
                    speaks: any(seed, 4) == 0,
                    granted: any(seed, rungs + 1) as usize,
                    free_start: false,
                }
            })
            .collect()
    }

    #[test]
    fn what_always_holds() {
        let mut seed = 1;
        for _ in 0..20_000 {
            let wishes = any_wishes(&mut seed);
            let budget = any(&mut seed, 12_000);
            let granted = allocate(budget, &wishes);
            let sum: u64 = wishes.iter().zip(&granted).map(|(wish, n)| cost(wish, *n)).sum();
            let lowest: u64 = wishes.iter().map(|wish| cost(wish, 1)).sum();
            assert!(sum <= budget + lowest / 4 + 100, "{sum} of {budget}");
            for (wish, n) in wishes.iter().zip(&granted) {
                assert!(*n <= wish.ladder.len());
            }
            // It comes to rest: a budget that stays does not make it waver.
            let mut state = granted;
            let mut rest = false;
            for _ in 0..6 {
                let asked: Vec<Wish> =
                    wishes.iter().zip(&state).map(|(wish, n)| Wish { granted: *n, ..wish.clone() }).collect();
                let next = allocate(budget, &asked);
                rest = next == state;
                state = next;
            }
            assert!(rest, "{budget} {wishes:?}");
            // From nothing it leaves the reserve to lowest layers.
            let alone: Vec<Wish> = wishes.iter().map(|wish| Wish { granted: 0, ..wish.clone() }).collect();
            let fresh = allocate(budget, &alone);
            let used: u64 = alone.iter().zip(&fresh).map(|(wish, n)| cost(wish, *n)).sum();
            let first: u64 = alone.iter().zip(&fresh).map(|(wish, n)| cost(wish, (*n).min(1))).sum();
            assert!(used <= (budget * 85 / 100 + 1).max(first), "climbed into the reserve");
            assert!(used <= budget);
        }
    }
}
