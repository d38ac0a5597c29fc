//! `entitle schema`: the JSON Schemas of manifests, plans, drift and events.

use super::args::{Schema, SchemaName};
use super::exit::Exit;
use super::output;
use crate::render;
use crate::render::schema;

pub fn run(args: &Schema) -> anyhow::Result<Exit> {
    match &args.out {
        None => {
            let schema = match args.name {
                SchemaName::Drift => schema::drift(),
                SchemaName::Manifest => schema::manifest(),
                SchemaName::Plan => schema::plan(),
                SchemaName::Events => schema::events(),
            };
            render::json::write(&mut output::stdout(), &schema)?;
        }
        Some(dir) => {
            std::fs::create_dir_all(dir)?;
            for (name, schema) in schema::all() {
                let mut file = std::fs::File::create(dir.join(name))?;
                render::json::write(&mut file, &schema)?;
            }
        }
    }
    Ok(Exit::Done)
}
