//! stub
use crate::demo::Demo;
/// stub
pub async fn run(_demo: &Demo, _out: &mut (dyn std::io::Write + Send)) -> Result<(), &'static str> { Ok(()) }
