//! The fuzz targets of the media node over their committed corpus, each input
//! as it is and mutated a bounded number of times. `BEDSIDE_FUZZ_SECONDS` goes
//! on for so long.

use std::path::Path;
use std::time::{Duration, Instant};

use bedside_tests::media::hostile;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Mutations in a plain run.
const MUTATIONS: u32 = 150;
/// Longest input.
const LONGEST: usize = 4096;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{target} has seeds");
    files.into_iter().map(|file| std::fs::read(file).expect("a seed")).collect()
}

/// One change of a kind that parsers dislike.
fn mutate(input: &mut Vec<u8>, rng: &mut StdRng, seeds: &[Vec<u8>]) {
    if input.is_empty() {
        input.push(rng.random());
    }
    let at = rng.random_range(0..input.len());
    match rng.random_range(0..7_u8) {
        0 => input[at] ^= 1 << rng.random_range(0..8_u8),
        1 => input[at] = [0, 1, 0x7f, 0x80, 0xff][rng.random_range(0..5)],
        2 => input.truncate(at),
        3 => input.insert(at, rng.random()),
        4 => {
            let end = rng.random_range(at..input.len());
            let piece = input[at..=end].to_vec();
            input.splice(at..at, piece);
        }
        5 => drop(input.drain(at..(at + 1 + rng.random_range(0..16)).min(input.len()))),
        _ => {
            let other = &seeds[rng.random_range(0..seeds.len())];
            let from = rng.random_range(0..=other.len());
            input.truncate(at);
            input.extend(&other[from..]);
        }
    }
    input.truncate(LONGEST);
}

fn run(target: &str, act: fn(&[u8])) {
    let seeds = seeds(target);
    seeds.iter().for_each(|seed| act(seed));
    let told = std::env::var("BEDSIDE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = told.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut rng = StdRng::seed_from_u64(if told.is_some() { rand::random() } else { 1 });
    let mut done = 0;
    while end.map_or(done < MUTATIONS, |end| Instant::now() < end) {
        let mut input = seeds[rng.random_range(0..seeds.len())].clone();
        for _ in 0..rng.random_range(1..4_u8) {
            mutate(&mut input, &mut rng, &seeds);
        }
        // A failure names the input that is to go into the corpus.
        let shown: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        if std::panic::catch_unwind(|| act(&input)).is_err() {
            panic!("{target} fails at {shown}");
        }
        done += 1;
    }
}

#[test]
fn hostile_datagrams() {
    run("media_datagram", hostile::datagram);
}

#[test]
fn hostile_payloads() {
    run("media_payload", hostile::payload);
}

#[test]
fn hostile_requests() {
    run("media_request", hostile::request);
}

#[test]
fn hostile_descriptions() {
    run("media_description", hostile::description);
}
