//! No file imports another that, by itself or through more files, imports it back.
//!
//! Whoever reads one file of a circle has to read all of them. A module and those inside of it count as one place, so
//! that `super::` and the `pub use` of a `mod.rs` make no circle; `pub use` is followed to the file that has the item.

use std::collections::{BTreeMap, BTreeSet};

use crate::architecture::sources;

/// Circles that are right: files that stand for one recursive thing.
const RIGHT: &[&[&str]] = &[
    // A JSON value has elements, an element has fields, a field has a value.
    &[
        "provider/decode/element.rs",
        "provider/decode/slots.rs",
        "provider/decode/value.rs",
    ],
];

/// The names from the crate's root to a module.
type Module = Vec<String>;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    /// `::`
    Joint,
    Sign(char),
}

/// Splits Rust into names and signs, without comments, texts and numbers.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut index = 0;
    while index < chars.len() {
        match at(index) {
            '/' if at(index + 1) == '/' => {
                while index < chars.len() && at(index) != '\n' {
                    index += 1;
                }
            }
            '"' => {
                index += 1;
                while index < chars.len() && at(index) != '"' {
                    index += 1 + usize::from(at(index) == '\\');
                }
                index += 1;
            }
            // A character; a lifetime has no second quote.
            '\'' if at(index + 1) == '\\' => index += 4,
            '\'' if at(index + 2) == '\'' => index += 3,
            'r' if at(index + 1) == '#' && at(index + 2) == '"' => {
                index += 3;
                while index < chars.len() && (at(index), at(index + 1)) != ('"', '#') {
                    index += 1;
                }
                index += 2;
            }
            c if is_name(c) => {
                let start = index;
                while is_name(at(index)) {
                    index += 1;
                }
                tokens.push(Token::Name(chars[start..index].iter().collect()));
            }
            ':' if at(index + 1) == ':' => {
                tokens.push(Token::Joint);
                index += 2;
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(Token::Sign(c));
                }
                index += 1;
            }
        }
    }
    tokens
}

/// What a file names: its paths, each with the name that `use` gives it here, and those that it gives on.
#[derive(Default)]
struct Names {
    /// Paths outside of `use`.
    paths: Vec<Vec<String>>,
    imports: Vec<(String, Vec<String>)>,
    exports: Vec<(String, Vec<String>)>,
}

fn names(tokens: &[Token]) -> Names {
    let mut names = Names::default();
    let mut rest = tokens;
    let mut public = false;
    while let Some((token, behind)) = rest.split_first() {
        match token {
            Token::Name(name) if name == "use" => {
                let mut found = Vec::new();
                rest = tree(behind, &[], &mut found);
                if public {
                    names.exports.extend(found.iter().cloned());
                }
                names.imports.extend(found);
                public = false;
            }
            Token::Name(name) => {
                let mut path = vec![name.clone()];
                rest = behind;
                while let [Token::Joint, Token::Name(name), behind @ ..] = rest {
                    path.push(name.clone());
                    rest = behind;
                }
                // `pub(super) use` is public as well.
                public =
                    name == "pub" || public && matches!(name.as_str(), "crate" | "super" | "in");
                names.paths.extend((path.len() > 1).then_some(path));
            }
            Token::Sign('(' | ')') => rest = behind,
            Token::Joint | Token::Sign(_) => {
                public = false;
                rest = behind;
            }
        }
    }
    names
}

/// Reads the tree of a `use`, and returns what comes behind it.
fn tree<'a>(
    mut rest: &'a [Token],
    above: &[String],
    found: &mut Vec<(String, Vec<String>)>,
) -> &'a [Token] {
    let mut path = above.to_vec();
    loop {
        match rest {
            [Token::Name(word), Token::Name(name), behind @ ..] if word == "as" => {
                found.push((name.clone(), path));
                return behind;
            }
            [Token::Name(name), behind @ ..] => {
                if name != "self" || path.is_empty() {
                    path.push(name.clone());
                }
                rest = behind;
                if !matches!(rest, [Token::Joint, ..] | [Token::Name(_), ..]) {
                    found.push((path.last().cloned().unwrap_or_default(), path));
                    return rest;
                }
            }
            [Token::Joint, behind @ ..] => rest = behind,
            [Token::Sign('{'), behind @ ..] => {
                rest = behind;
                loop {
                    match rest {
                        [Token::Sign(','), behind @ ..] => rest = behind,
                        [Token::Sign('}'), behind @ ..] => return behind,
                        [] => return rest,
                        _ => rest = tree(rest, &path, found),
                    }
                }
            }
            [_, behind @ ..] => return behind,
            [] => return rest,
        }
    }
}

/// All modules with what they name.
struct Crate {
    names: BTreeMap<Module, Names>,
}

impl Crate {
    /// Returns the module that a path leads to from `here`, and the names behind it; `None` for another crate's.
    fn module(&self, here: &Module, path: &[String]) -> Option<(Module, Vec<String>)> {
        let mut base = here.clone();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => (base, rest) = (Module::new(), &rest[1..]),
            "self" | "super" => {
                while let Some(word) = rest
                    .first()
                    .filter(|word| matches!(word.as_str(), "self" | "super"))
                {
                    if word == "super" {
                        base.pop();
                    }
                    rest = &rest[1..];
                }
            }
            name if self
                .names
                .contains_key(&[here.as_slice(), &[name.into()]].concat()) => {}
            name => {
                let import = self.names[here].imports.iter().find(|(own, _)| own == name);
                let (_, import) = import.filter(|(_, path)| path[0] != name)?;
                let path = [import, &rest[1..]].concat();
                return self.module(here, &path);
            }
        }
        while let Some(name) = rest.first() {
            let below = [base.as_slice(), std::slice::from_ref(name)].concat();
            if !self.names.contains_key(&below) {
                break;
            }
            (base, rest) = (below, &rest[1..]);
        }
        let given_on = rest.first().and_then(|name| {
            let exports = &self.names[&base].exports;
            exports.iter().find(|(export, _)| export == name)
        });
        match given_on {
            Some((_, path)) if base != *here => self.module(&base, &[path, &rest[1..]].concat()),
            _ => Some((base, rest.to_vec())),
        }
    }

    /// Returns the modules whose items a module uses, without those around it and inside of it.
    fn uses(&self, here: &Module) -> BTreeSet<Module> {
        let names = &self.names[here];
        let imports = names.imports.iter().map(|(_, path)| path);
        let used = imports.chain(&names.paths);
        let used = used.filter_map(|path| self.module(here, path));
        // Who imports a module and uses nothing of it needs no more than its name.
        let used = used.filter(|(_, items)| !items.is_empty());
        let used = used.map(|(module, _)| module);
        used.filter(|other| !other.starts_with(here) && !here.starts_with(other))
            .collect()
    }
}

fn module_of(file: &str) -> Module {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    match path {
        "lib" => Module::new(),
        path => path.split('/').map(str::to_string).collect(),
    }
}

/// Groups of files each of which leads to all others of its group.
fn circles(uses: &BTreeMap<&str, BTreeSet<&str>>) -> BTreeSet<BTreeSet<String>> {
    let reached = |from: &str| {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut next: Vec<&str> = uses[from].iter().copied().collect();
        while let Some(file) = next.pop() {
            if reached.insert(file) {
                next.extend(&uses[file]);
            }
        }
        reached
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        uses.keys().map(|file| (*file, reached(file))).collect();
    let circle = |file: &&str| -> BTreeSet<String> {
        let both = reached[*file]
            .iter()
            .filter(|other| reached[*other].contains(*file));
        both.map(|file| file.to_string()).collect()
    };
    let all = uses.keys().map(circle);
    all.filter(|circle| circle.len() > 1).collect()
}

#[test]
fn no_two_files_import_each_other() {
    let sources = sources();
    let names = sources
        .iter()
        .map(|(file, text)| (module_of(file), names(&tokens(text))));
    let all = Crate {
        names: names.collect(),
    };
    let files: BTreeMap<Module, &str> = sources
        .keys()
        .map(|file| (module_of(file), file.as_str()))
        .collect();
    let uses = files
        .iter()
        .map(|(module, file)| (*file, all.uses(module).iter().map(|it| files[it]).collect()));
    let known: BTreeSet<BTreeSet<String>> = RIGHT
        .iter()
        .map(|circle| circle.iter().map(|file| file.to_string()).collect())
        .collect();
    assert_eq!(circles(&uses.collect()), known);
}

#[test]
fn imports_are_read_however_they_are_written() {
    let text = r#"
        use a::{self, b::{C, D as E}, f};
        pub(super) use super::g::H;
        // use comment::Path;
        fn i() -> j::K { "use text::L;"; 'x'; crate::m::n() }
    "#;
    let Names {
        paths,
        imports,
        exports,
    } = names(&tokens(text));
    let shown = |named: &[(String, Vec<String>)]| -> Vec<String> {
        let one = |(name, path): &(String, Vec<String>)| format!("{name} = {}", path.join("::"));
        named.iter().map(one).collect()
    };
    assert_eq!(
        shown(&imports),
        [
            "a = a",
            "C = a::b::C",
            "E = a::b::D",
            "f = a::f",
            "H = super::g::H"
        ]
    );
    assert_eq!(shown(&exports), ["H = super::g::H"]);
    let paths: Vec<String> = paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["j::K", "crate::m::n"]);
}
