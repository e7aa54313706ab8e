//! The pages are embedded from `web/build`. Cargo must look at them again when
//! they change; that they are absent (nobody built them yet) is no error.

fn main() {
    let pages = std::path::Path::new("../../web/build");
    // The marker file changes with every build of the pages; watching the
    // folder too notices the first one.
    println!("cargo:rerun-if-changed={}", pages.display());
    println!("cargo:rerun-if-changed={}", pages.join("index.html").display());
    println!("cargo:rerun-if-changed=build.rs");
}
