//! The pages, rendered completely on the server so that they work without JavaScript.
//!
//! | page | shows |
//! | --- | --- |
//! | [`overview`] | all objects, the worst risk first, and what happened lately |
//! | [`object`] | one object: fields, who set them, what is pending, its history |
//! | [`sign_in`] | the form for the second token, and why a request was refused |
//!
//! Links and forms do the filtering, the paging and the actions; `page.js` only fetches the same page again when something
//! changed. Maud escapes everything that comes from manifests and vendors. The only folder that names maud besides
//! `render/html`.

mod activity;
mod connections;
pub mod forms;
pub mod frame;
mod history;
pub mod object;
pub mod overview;
mod rows;
pub mod sign_in;

#[cfg(test)]
mod tests;
