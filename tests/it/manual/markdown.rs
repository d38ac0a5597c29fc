//! Markdown as the generated pages need it: cells of tables, and the anchors that mdBook makes of headings.

/// Makes a text safe in a cell of a table. Code between backticks stays as it is, but for bars.
pub fn cell(text: &str) -> String {
    let mut safe = String::new();
    let mut in_code = false;
    for c in text.chars() {
        match c {
            '`' => in_code = !in_code,
            '|' => safe.push('\\'),
            '<' | '*' | '[' | ']' | '_' if !in_code => safe.push('\\'),
            '\n' => {
                safe.push(' ');
                continue;
            }
            _ => {}
        }
        safe.push(c);
    }
    safe
}

/// Returns a row of a table.
pub fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// Returns the head of a table.
pub fn head(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let line: Vec<String> = names.iter().map(|_| "---".to_string()).collect();
    row(&names) + &row(&line)
}

/// Returns a text in code style.
pub fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// Returns the anchor of a heading: lower case, hyphens for spaces, and nothing of other signs.
pub fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => c.to_lowercase().next(),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.collect()
}
