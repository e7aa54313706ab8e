//! Stamps: a step that was done for the same inputs is not done again.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// What a step was last done for, kept under `target/xtask/`.
pub struct Stamp {
    file: PathBuf,
    wanted: String,
}

impl Stamp {
    /// The stamp of step `name` over the names and contents of `inputs`: files,
    /// or folders with everything in them. A missing input counts as missing.
    pub fn over(root: &Path, name: &str, inputs: &[&str]) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        for input in inputs {
            digest(root, &root.join(input), &mut hasher)?;
        }
        let file = root.join("target/xtask").join(name);
        Ok(Self { file, wanted: format!("{:016x}", hasher.finish()) })
    }

    /// Whether the step was done for exactly these inputs and `product` is still there.
    pub fn is_current(&self, product: &Path) -> bool {
        product.exists() && fs::read_to_string(&self.file).is_ok_and(|found| found == self.wanted)
    }

    /// Remembers that the step is done.
    pub fn keep(&self) -> Result<()> {
        let folder = self.file.parent().expect("a stamp lies in target/xtask");
        fs::create_dir_all(folder)?;
        fs::write(&self.file, &self.wanted).with_context(|| format!("cannot write {}", self.file.display()))
    }
}

fn digest(root: &Path, path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    path.strip_prefix(root).unwrap_or(path).hash(hasher);
    if path.is_dir() {
        let mut inside: Vec<PathBuf> =
            fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
        inside.sort();
        inside.iter().try_for_each(|entry| digest(root, entry, hasher))
    } else {
        // A file that vanishes between listing and reading counts as missing.
        fs::read(path).ok().hash(hasher);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_holds_until_an_input_or_the_product_changes() -> Result<()> {
        let root = std::env::temp_dir().join(format!("bedside-stamp-{}", std::process::id()));
        fs::create_dir_all(root.join("in/deep"))?;
        fs::write(root.join("in/deep/a"), "1")?;
        let product = root.join("product");
        fs::write(&product, "")?;

        let stamp = Stamp::over(&root, "step", &["in", "absent"])?;
        assert!(!stamp.is_current(&product), "never done");
        stamp.keep()?;
        assert!(Stamp::over(&root, "step", &["in", "absent"])?.is_current(&product));

        fs::write(root.join("in/deep/a"), "2")?;
        assert!(!Stamp::over(&root, "step", &["in", "absent"])?.is_current(&product), "an input changed");
        fs::write(root.join("in/deep/a"), "1")?;
        fs::remove_file(&product)?;
        assert!(!Stamp::over(&root, "step", &["in", "absent"])?.is_current(&product), "the product is gone");
        fs::remove_dir_all(&root)?;
        Ok(())
    }
}
