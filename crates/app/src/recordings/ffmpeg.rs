//! Putting people's parts together with ffmpeg, a program of its own: pictures
//! side by side on a canvas that lasts as long as the recording, sounds mixed,
//! each at its own time.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bedside_model::UserId;
use tokio::process::Command;

use super::compose::Part;

/// The canvas.
const WIDTH: usize = 1280;
const HEIGHT: usize = 720;
/// Pictures a second.
const RATE: u32 = 25;
/// A film of hours takes its time; whatever takes longer hangs.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

/// Makes one film.
///
/// # Errors
/// When the program cannot be started, fails, or takes too long.
pub(super) async fn run(program: &Path, parts: &[Part], length_ms: i64, film: &Path) -> io::Result<()> {
    let mut command = Command::new(program);
    command.args(["-nostdin", "-hide_banner", "-v", "error", "-y"]);
    for part in parts {
        if part.media.is_video() {
            // Pictures that change their size must not begin everything anew.
            command.args(["-reinit_filter", "0"]);
        }
        // Nothing in a part may name another file or address.
        command.args(["-protocol_whitelist", "file", "-f", "matroska", "-i"]).arg(&part.path);
    }
    let (graph, sound) = graph(parts, length_ms);
    command.args(["-filter_complex", &graph, "-map", "[film]"]);
    if sound {
        command.args(["-map", "[sound]", "-c:a", "aac", "-b:a", "96k", "-ac", "2"]);
    }
    command.args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-pix_fmt", "yuv420p"]);
    command.args(["-g", "50", "-threads", "2", "-t", &seconds(length_ms)]);
    command.args(["-movflags", "+faststart", "-f", "mp4"]).arg(film);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let done = tokio::time::timeout(LONGEST, command.output()).await;
    let output = done.map_err(|_| io::Error::other("ffmpeg took too long"))??;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: String = said.lines().last().unwrap_or_default().chars().take(300).collect();
    Err(io::Error::other(format!("ffmpeg failed: {said}")))
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// The filter graph, and whether there is sound in it.
fn graph(parts: &[Part], length_ms: i64) -> (String, bool) {
    let tiles = tiles(parts);
    let (columns, rows) = grid(tiles.len());
    // Sizes that every pixel format takes.
    let (width, height) = ((WIDTH / columns) & !1, (HEIGHT / rows) & !1);
    let mut graph =
        format!("color=c=0x14181c:s={WIDTH}x{HEIGHT}:r={RATE}:d={},format=yuv420p[c0]", seconds(length_ms));
    let (mut canvas, mut sounds) = (0, Vec::new());
    for (index, part) in parts.iter().enumerate() {
        let start = i64::try_from(part.start_ms).unwrap_or(i64::MAX);
        if !part.media.is_video() {
            // What is missing becomes silence, so that the rest keeps its time. Filled
            // and cut only: stretching (async above 1) runs away after seconds of
            // whole-millisecond times and puts sound behind picture.
            graph.push_str(&format!(
                ";[{index}:a]asetpts=PTS-STARTPTS,aresample=48000:async=1:min_hard_comp=0.05:first_pts=0,\
                 adelay={start}:all=1[s{index}]"
            ));
            sounds.push(format!("[s{index}]"));
            continue;
        }
        let tile = tiles.get(&(part.user, part.screen)).copied().unwrap_or(0);
        let (x, y) = (tile % columns * width, tile / columns * height);
        let next = canvas + 1;
        graph.push_str(&format!(
            ";[{index}:v]setpts=PTS-STARTPTS+{}/TB,scale={width}:{height}:force_original_aspect_ratio=decrease,\
             pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=0x14181c,setsar=1[v{index}];\
             [c{canvas}][v{index}]overlay={x}:{y}:eof_action=pass[c{next}]",
            seconds(start)
        ));
        canvas = next;
    }
    graph.push_str(&format!(";[c{canvas}]null[film]"));
    if !sounds.is_empty() {
        let count = sounds.len();
        let all = sounds.concat();
        graph.push_str(&format!(
            ";{all}amix=inputs={count}:duration=longest:dropout_transition=0:normalize=0,alimiter=limit=0.95:level=0,apad[sound]"
        ));
    }
    (graph, !sounds.is_empty())
}

/// The place of each picture: shared screens first, then people by number.
fn tiles(parts: &[Part]) -> BTreeMap<(UserId, bool), usize> {
    let mut seen: Vec<_> =
        parts.iter().filter(|part| part.media.is_video()).map(|part| (!part.screen, part.user)).collect();
    seen.sort();
    seen.dedup();
    seen.into_iter().enumerate().map(|(place, (face, user))| ((user, !face), place)).collect()
}

fn grid(count: usize) -> (usize, usize) {
    let columns = (1..).find(|n| n * n >= count).unwrap_or(1);
    (columns, count.div_ceil(columns).max(1))
}

#[cfg(test)]
mod tests {
    use bedside_media::Media;

    use super::*;

    fn part(user: i64, media: Media, screen: bool, start_ms: u64) -> Part {
        Part {
            user: UserId(user),
            media,
            screen,
            start_ms,
            end_ms: start_ms + 1_000,
            gaps: Vec::new(),
            whole: true,
            path: "part".into(),
        }
    }

    #[test]
    fn two_people_are_side_by_side_each_at_their_time() {
        let parts = [
            part(7, Media::Vp8, false, 120),
            part(3, Media::H264, false, 2_040),
            part(7, Media::Opus, false, 80),
            part(7, Media::Vp8, false, 9_000),
        ];
        let (graph, sound) = graph(&parts, 60_250);
        assert!(sound);
        assert!(graph.starts_with("color=c=0x14181c:s=1280x720:r=25:d=60.250"));
        assert!(graph.contains("[0:v]setpts=PTS-STARTPTS+0.120/TB,scale=640:720"), "{graph}");
        assert!(graph.contains("[c0][v0]overlay=640:0"), "{graph}");
        assert!(graph.contains("[c1][v1]overlay=0:0"), "{graph}");
        assert!(graph.contains("[c2][v3]overlay=640:0"), "{graph}");
        assert!(graph.contains("adelay=80:all=1[s2]") && graph.contains("[s2]amix=inputs=1"), "{graph}");
    }

    #[test]
    fn places_are_enough_for_everybody() {
        assert_eq!(grid(0), (1, 1));
        assert_eq!(grid(1), (1, 1));
        assert_eq!(grid(2), (2, 1));
        assert_eq!(grid(5), (3, 2));
        for count in 1..60 {
            let (columns, rows) = grid(count);
            assert!(columns * rows >= count);
        }
        let shown = tiles(&[part(1, Media::Vp8, false, 0), part(9, Media::Vp8, true, 0)]);
        assert_eq!(shown[&(UserId(9), true)], 0);
        assert_eq!(shown[&(UserId(1), false)], 1);
    }

    #[test]
    fn a_call_without_pictures_or_sound_is_still_a_film() {
        let (with, sound) = graph(&[part(1, Media::Opus, false, 0)], 5);
        assert!(sound && with.contains("[c0]null[film]") && with.contains("d=0.005"));
        assert!(!graph(&[part(1, Media::Vp8, false, 0)], 5).1);
    }
}
