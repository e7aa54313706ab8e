//! What comes out of a signed link: the same bytes, smaller pictures, parts;
//! and what the disk and the database show of them: nothing.

use std::io::Write;

use bedside_tests::kit::{Client, Kit};
use flate2::{Compression, write::ZlibEncoder};
use reqwest::{Method, StatusCode, header};
use serde_json::Value;

use crate::files::{PDF, below, id, kept, put, send};

/// A chunk of a PNG (W3C PNG, 5.3).
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length, kind.as_slice(), data, &crc.sum().to_be_bytes()].concat()
}

/// A PNG of one bit per pixel from its packed rows.
pub fn png_of(width: u32, height: u32, packed: &[u8]) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let head = chunk(b"IHDR", &[&size, [1, 0, 0, 0, 0].as_slice()].concat());
    [b"\x89PNG\r\n\x1a\n".as_slice(), &head, &chunk(b"IDAT", packed), &chunk(b"IEND", b"")].concat()
}

/// A black PNG.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    let row = vec![0; 1 + width.div_ceil(8) as usize];
    (0..height).for_each(|_| packed.write_all(&row).unwrap());
    png_of(width, height, &packed.finish().unwrap())
}

/// Width and height of a PNG.
fn size_of(png: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    (number(16), number(20))
}

/// The path of a file's link.
pub fn link(kit: &Kit, file: &Value) -> String {
    file["fullpath"].as_str().unwrap().replace(&kit.base, "/")
}

/// Status and bytes behind a path.
pub async fn bytes(client: &Client, path: &str) -> (StatusCode, header::HeaderMap, Vec<u8>) {
    let response = client.request(Method::GET, path).send().await.expect("the server answers");
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.bytes().await.expect("a whole body").to_vec())
}

#[tokio::test]
async fn what_was_put_in_comes_out() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    // Around the ends of chunks (64 KiB) and windows (1 MiB).
    for length in [1, 65_535, 65_536, 65_537, 131_072, 1_048_575, 1_048_576, 1_048_577, 2_500_000] {
        let content: Vec<u8> = (0..length).map(|n: u32| b'a' + (n % 23) as u8).collect();
        let file = send(&maria.client, "long.txt", &content, &[]).await.data();
        let (status, headers, got) = bytes(&kit.anonymous(), &link(&kit, &file)).await;
        assert_eq!((status, got.len()), (StatusCode::OK, content.len()));
        assert!(got == content, "{length}");
        assert_eq!(headers["content-length"], length.to_string());
        let (_, _, again) =
            bytes(&kit.anonymous(), &link(&kit, &file).replace("//files/view", "/files")).await;
        assert!(again == content, "the same under the API's prefix");
        let (_, _, again) = bytes(&kit.anonymous(), &link(&kit, &file).replace("//files", "/files")).await;
        assert!(again == content);
    }
}

#[tokio::test]
async fn headers_keep_browsers_from_doing_more_than_showing() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let zip =
        [b"PK\x03\x04".as_slice(), &[0; 22], &17u16.to_le_bytes(), &[0; 2], b"word/document.xml"].concat();
    for (name, content, kind, how) in [
        (
            "Ärm \"1\".png",
            png(3, 3),
            "image/png",
            "inline; filename=\"_rm _1_.png\"; filename*=UTF-8''%C3%84rm%20%221%22.png",
        ),
        ("r.pdf", PDF.to_vec(), "application/pdf", "inline; filename=\"r.pdf\"; filename*=UTF-8''r.pdf"),
        (
            "x.html",
            b"<script>".to_vec(),
            "text/plain; charset=utf-8",
            "attachment; filename=\"x.txt\"; filename*=UTF-8''x.txt",
        ),
        (
            "letter",
            zip,
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "attachment; filename=\"letter.docx\"; filename*=UTF-8''letter.docx",
        ),
    ] {
        let file = send(&maria.client, name, &content, &[]).await.data();
        let packed = kit.anonymous().header("Accept-Encoding", "gzip");
        let (status, headers, got) = bytes(&packed, &link(&kit, &file)).await;
        assert_eq!((status, got), (StatusCode::OK, content), "{name}");
        assert_eq!(headers["content-type"], kind);
        assert_eq!(headers["content-disposition"], how);
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "private, max-age=900");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("frame-ancestors 'self'")
                && (kind == "application/pdf" || policy.contains("sandbox"))
        );
        assert_eq!(headers.get("content-encoding"), None);
    }
}

#[tokio::test]
async fn a_picture_becomes_smaller() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let picture = png(800, 400);
    let photo = send(&maria.client, "arm.png", &picture, &[("meta.category", "user_avatar")]).await.data();
    let path = link(&kit, &photo);
    for (size, wanted) in [("320x240", (320, 160)), ("100X10", (20, 10)), ("4096x4096", (800, 400))] {
        let (status, headers, got) = bytes(&kit.anonymous(), &format!("{path}&size={size}")).await;
        assert_eq!((status, size_of(&got)), (StatusCode::OK, wanted), "{size}");
        assert_eq!(headers["content-type"], "image/png");
        assert_eq!(headers["content-length"], got.len().to_string());
    }
    let (_, _, whole) = bytes(&kit.anonymous(), &format!("{path}&size=")).await;
    assert!(whole == picture);
    for size in ["x", "320", "0x0", "5000x5000", "-1x2", "1x1x1"] {
        kit.anonymous().get(&format!("{path}&size={size}")).await.refused(400, "invalid_field");
    }
    // What is no picture, or one that we cannot read, comes as it is.
    let heic = [b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".as_slice(), &[7; 100]].concat();
    for content in [PDF, &heic] {
        let file = send(&maria.client, "x", content, &[]).await.data();
        let (status, _, got) = bytes(&kit.anonymous(), &format!("{}&size=10x10", link(&kit, &file))).await;
        assert_eq!((status, got.as_slice()), (StatusCode::OK, content));
    }
    let damaged = send(&maria.client, "x.png", &picture[..60], &[]).await.data();
    kit.anonymous()
        .get(&format!("{}&size=10x10", link(&kit, &damaged)))
        .await
        .refused(400, "image_not_readable");
}

#[tokio::test]
async fn a_player_gets_the_part_it_asks_for() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let content: Vec<u8> = [
        b"\0\0\0\x18ftypisom\0\0\0\0isommp42".to_vec(),
        (0..2_300_000).map(|n: u32| (n % 251) as u8).collect(),
    ]
    .concat();
    let file = send(&maria.client, "v.mp4", &content, &[]).await.data();
    let path = link(&kit, &file);
    for (asked, from, until) in [
        ("bytes=0-1", 0, 2),
        ("bytes=65535-65537", 65_535, 65_538),
        ("bytes=1048570-2097160", 1_048_570, 2_097_161),
        ("bytes=-5", content.len() - 5, content.len()),
        ("bytes=2000000-", 2_000_000, content.len()),
    ] {
        let (status, headers, got) = bytes(&kit.anonymous().header("Range", asked), &path).await;
        assert_eq!(status, StatusCode::PARTIAL_CONTENT, "{asked}");
        assert!(got == content[from..until], "{asked}");
        assert_eq!(headers["content-range"], format!("bytes {from}-{}/{}", until - 1, content.len()));
        assert_eq!(
            (headers["accept-ranges"].as_bytes(), headers["content-type"].as_bytes()),
            (&b"bytes"[..], &b"video/mp4"[..])
        );
    }
    for odd in ["bytes=9999999-", "bytes=5-1", "bytes=0-1,4-5", "x"] {
        let (status, _, got) = bytes(&kit.anonymous().header("Range", odd), &path).await;
        assert_eq!((status, got.len()), (StatusCode::OK, content.len()), "{odd}");
    }
    let (_, headers, _) = bytes(&kit.anonymous(), &path).await;
    let tag = headers["etag"].to_str().unwrap().to_owned();
    let (status, _, got) = bytes(&kit.anonymous().header("If-None-Match", &tag), &path).await;
    assert_eq!((status, got.len()), (StatusCode::NOT_MODIFIED, 0));
    let other = kit.anonymous().header("Range", "bytes=0-1").header("If-Range", "\"other\"");
    assert_eq!(bytes(&other, &path).await.0, StatusCode::OK);
    let head = Client::send(kit.anonymous().request(Method::HEAD, &path)).await;
    assert_eq!(
        (head.status, head.headers["content-length"].to_str().unwrap()),
        (StatusCode::OK, content.len().to_string().as_str())
    );
}

#[tokio::test]
async fn a_link_is_good_for_one_file_and_fifteen_minutes() {
    let (kit, clock) = Kit::on_a_clock_with(&[("limits.failed_per_min", "10000")]).await;
    let maria = kit.patient("maria").await;
    let file = put(&maria.client, "user_document").await;
    let other = put(&kit.patient("tom").await.client, "user_document").await;
    let path = link(&kit, &file);
    let open = kit.anonymous();
    open.get(&path).await.ok();
    for bad in [
        path.replace(id(&file), id(&other)),
        path.replace("auth_code=", "auth_code=0"),
        path.replace("auth_code=", "auth_code=&x="),
        path.replace("time=1", "time=2"),
        path.replace("time=", "time=x"),
        format!("{path}0"),
        path.split("&time").next().unwrap().to_owned(),
        path.split('?').next().unwrap().to_owned(),
    ] {
        open.get(&bad).await.refused(403, "link_not_valid");
    }
    open.get(&path.replace(id(&file), "01900000-0000-7000-8000-000000000000"))
        .await
        .refused(404, "file_not_found");
    open.get("//files/view/nonsense?auth_code=a&time=1").await.refused(404, "file_not_found");
    let half = format!("/files/{}?auth_code=abc", id(&file));
    open.header("X-AccountCode", "northside").get(&half).await.refused(401, "token_missing");
    clock.advance_seconds(15 * 60);
    open.get(&path).await.ok();
    clock.advance_seconds(1);
    open.get(&path).await.refused(403, "link_expired");
    // Each listing makes new ones.
    let again = maria.client.get(&format!("/files/{}", id(&file))).await.data();
    assert_ne!(again["fullpath"], file["fullpath"]);
    open.get(&link(&kit, &again)).await.ok();
    Client::send(maria.client.request(Method::DELETE, &format!("/files/{}", id(&file)))).await.ok();
    open.get(&link(&kit, &again)).await.refused(404, "file_not_found");
}

#[tokio::test]
async fn guessing_links_is_slowed_down() {
    let kit = Kit::with(&[("limits.failed_per_min", "5")]).await;
    let maria = kit.patient("maria").await;
    let file = put(&maria.client, "user_document").await;
    let guess = link(&kit, &file).replace("auth_code=", "auth_code=0");
    for _ in 0..5 {
        kit.anonymous().get(&guess).await.refused(403, "link_not_valid");
    }
    kit.anonymous().get(&guess).await.refused(429, "too_many_requests");
    // Who has a good one is not kept waiting.
    kit.anonymous().get(&link(&kit, &file)).await.ok();
}

#[tokio::test]
async fn nothing_of_a_file_can_be_read_from_the_disk() {
    let mut kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let content = "a rash that nobody may know of. ".repeat(5000);
    let category = [("meta.category", "user_document")];
    send(&maria.client, "secret-diagnosis.txt", content.as_bytes(), &category).await.ok();
    kit.stop().await;
    let all = below(kit.database().folder());
    assert!(!kept(&kit).is_empty());
    let mut read = 0;
    for path in all {
        // The database's own helpers go when its last connection is closed.
        let Ok(found) = std::fs::read(&path) else { continue };
        read += 1;
        for secret in ["a rash that nobody", "secret-diagnosis"] {
            let shown = found.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!shown, "{} shows {secret}", path.display());
        }
    }
    assert!(read >= 2, "the content and the key at least");
    // And it is nobody else's to read on this machine.
    use std::os::unix::fs::PermissionsExt;
    for path in kept(&kit) {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[tokio::test]
async fn reads_by_others_are_in_the_audit_trail() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let file = put(&maria.client, "user_document").await;
    kit.admin().get(&format!("/files/{}", id(&file))).await.ok();
    maria.client.get(&format!("/files/{}", id(&file))).await.ok();
    bedside_app::audit::flush_reads(&kit.app, true).await.unwrap();
    let told = kit.admin().get("/audit?limit=100").await.ok().json();
    let of = |action: &str| {
        told["data"].as_array().unwrap().iter().filter(|entry| entry["action"] == action).count()
    };
    assert_eq!((of("files.add"), of("files.get")), (1, 1), "{told}");
    assert!(!told.to_string().contains("results.pdf"), "a name is health text");
}
