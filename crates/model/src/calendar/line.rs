//! Lines of a calendar: escaped, folded at 75 bytes, ended by CR LF.

/// Most bytes of a line without its end (RFC 5545, 3.1).
const LONGEST: usize = 75;

/// Lines that were written.
#[derive(Debug, Default)]
pub(super) struct Lines(String);

impl Lines {
    /// A line whose value is written as it is; line ends in it are left out, so
    /// that no value begins a line of its own.
    pub fn raw(&mut self, name: &str, value: &str) {
        let line: String =
            name.chars().chain([':']).chain(value.chars()).filter(|c| !c.is_control()).collect();
        self.fold(&line);
    }

    /// A line whose value is text (RFC 5545, 3.3.11).
    pub fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &escaped(value));
    }

    /// A line whose value is an address of a page: text would be escaped.
    pub fn uri(&mut self, name: &str, value: &str) {
        let value: String = value.chars().filter(|c| !c.is_whitespace()).collect();
        self.raw(name, &value);
    }

    pub fn into_text(self) -> String {
        self.0
    }

    fn fold(&mut self, line: &str) {
        let mut used = 0;
        for c in line.chars() {
            if used + c.len_utf8() > LONGEST {
                // The space that begins a continued line counts.
                self.0.push_str("\r\n ");
                used = 1;
            }
            self.0.push(c);
            used += c.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' | '\r' => escaped.push_str("\\n"),
            '\t' => escaped.push(' '),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// A property's name with the common name of somebody (RFC 6868 for what a
/// quoted value cannot hold).
pub(super) fn with_name(property: &str, name: &str) -> String {
    let mut full = format!("{property};CN=\"");
    for c in name.trim().chars() {
        match c {
            '^' => full.push_str("^^"),
            '"' => full.push_str("^'"),
            '\n' => full.push_str("^n"),
            c if c.is_control() => {}
            c => full.push(c),
        }
    }
    full.push('"');
    full
}
