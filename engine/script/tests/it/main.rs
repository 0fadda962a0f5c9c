//! Scripts as their authors meet them: what is refused and how it is said, what is run and what it leaves behind.

mod diagnostics;
mod limits;
mod modules;
mod servers;
mod tools;
mod users;
