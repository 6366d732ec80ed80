//! Lays a board out in a folder, to be looked at: `sheets BOARD OUTPUT`.

use std::error::Error;
use std::path::PathBuf;

use framewright_boards::{BoardFolder, Sheet, contact_sheet, grid, pdf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(board), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("usage: sheets BOARD OUTPUT".into());
    };
    let folder = BoardFolder::open(&board)?;
    let sheet = Sheet::new(&folder, &folder.read()?.board, None)?;
    std::fs::create_dir_all(&output)?;
    contact_sheet(&folder, &sheet)?.save(output.join("contact-sheet.png"))?;
    grid(&folder, &sheet)?.save(output.join("grid.png"))?;
    std::fs::write(output.join("grid.pdf"), pdf(&folder, &sheet)?)?;
    Ok(())
}
