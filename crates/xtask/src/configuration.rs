//! The configuration reference, made from the comments of `config/default.toml`.

use std::fmt::Write;

use anyhow::{Result, bail};

const HEAD: &str = "\
# Configuration

Generated from [`config/default.toml`](../config/default.toml) by `cargo xtask gen`; edit that file.

Settings are read from the embedded defaults, then from a file (`--config FILE` or `BEDSIDE_CONFIG`),
then from the environment, then from flags; the later one wins. An unknown name is an error.
An empty text means \"not set\".
";

/// The reference as Markdown. Every setting must have a comment.
pub fn reference(defaults: &str) -> Result<String> {
    let mut page = String::from(HEAD);
    let mut section = String::new();
    let mut comment = String::new();
    for line in defaults.lines() {
        let line = line.trim();
        if let Some(text) = line.strip_prefix('#') {
            if !comment.is_empty() {
                comment.push(' ');
            }
            comment.push_str(text.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
            write!(page, "\n## {section}\n\n")?;
            if !comment.is_empty() {
                write!(page, "{comment}\n\n")?;
            }
            page.push_str("| Setting | Default | Environment | Meaning |\n| --- | --- | --- | --- |\n");
            comment.clear();
        } else if let Some((name, value)) = line.split_once('=') {
            let (name, value) = (name.trim(), value.trim());
            if comment.is_empty() {
                bail!("config/default.toml: {section}.{name} has no comment above it");
            }
            let variable = format!("BEDSIDE__{}__{}", section.replace('.', "__"), name).to_uppercase();
            let shown = if value == "\"\"" { "not set".to_owned() } else { format!("`{value}`") };
            let meaning = comment.replace('|', "\\|");
            writeln!(page, "| `{section}.{name}` | {shown} | `{variable}` | {meaning} |")?;
            comment.clear();
        } else {
            // An empty line parts a file's own heading from the comment of a setting.
            comment.clear();
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_a_row_under_its_section() -> Result<()> {
        let page = reference(
            "# About the file.\n\n[server]\n# Where to listen.\nlisten = \"a:1\"\n\n[server.tls]\n# The key.\nkey_file = \"\"\n",
        )?;
        assert!(page.contains("## server\n"), "{page}");
        assert!(
            page.contains("| `server.listen` | `\"a:1\"` | `BEDSIDE__SERVER__LISTEN` | Where to listen. |"),
            "{page}"
        );
        assert!(
            page.contains(
                "| `server.tls.key_file` | not set | `BEDSIDE__SERVER__TLS__KEY_FILE` | The key. |"
            ),
            "{page}"
        );
        assert!(!page.contains("About the file."), "{page}");
        Ok(())
    }

    #[test]
    fn a_setting_without_a_comment_is_refused() {
        let error = reference("[server]\nlisten = \"a:1\"\n").expect_err("no comment").to_string();
        assert!(error.contains("server.listen"), "{error}");
    }
}
