//! Calls where there is no IPv4: a network namespace with one address of IPv6.

use std::process::{Command, Stdio};

use bedside::boot::node;
use bedside_tests::kit::Kit;

use crate::python_sdk::{python, they_meet};

const INSIDE: &str = "BEDSIDE_TEST_INSIDE_IPV6";
/// One address beside loopback, of the range for private use (RFC 4193).
const PREPARE: &str = "ip link set lo up && ip link add only6 type dummy \
    && ip address add fd5e:be75:1de::1/64 dev only6 nodad && ip link set only6 up";

/// Not a test by itself: this binary starts itself with this name, inside.
#[tokio::test]
async fn a_call_inside() {
    let (true, Some(python)) = (std::env::var(INSIDE).is_ok(), python()) else { return };
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let passes = [patient.act(&visit, "call").await.data(), provider.act(&visit, "call").await.data()];
    they_meet(&python, &passes).await;
    let stats = node(&kit.app).unwrap().stats();
    assert!(stats.counters.rtp_forwarded > 100, "{stats:?}");
    println!("they met");
}

#[test]
fn sdk_peers_meet_over_ipv6_alone() {
    if python().is_none() {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    }
    let inside = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", script, "sh"]).stdin(Stdio::null());
        command
    };
    if !inside(PREPARE).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: this machine lets nobody make a network of IPv6");
        return;
    }
    let output = inside(&format!("{PREPARE} && exec \"$@\""))
        .arg(std::env::current_exe().unwrap())
        .args(["calls_ipv6::a_call_inside", "--exact", "--nocapture"])
        .env(INSIDE, "1")
        // No database but a file is reached from there.
        .env_remove("BEDSIDE_TEST_POSTGRES")
        .output()
        .unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("they met"), "{said}{complained}");
}
