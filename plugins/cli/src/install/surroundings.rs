//! What of this process's surroundings tells where applications are.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A kind of system, by where applications keep their files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Linux and its like.
    Unix,
    /// Windows.
    Windows,
    /// macOS.
    MacOs,
}

/// Folders, as the environment names them; tests name others.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The kind of system.
    pub system: System,
    /// Where system-wide folders begin.
    pub root: PathBuf,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// `XDG_DATA_HOME` or its default.
    pub data_home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME` or its default.
    pub config_home: Option<PathBuf>,
    /// `APPDATA`.
    pub app_data: Option<PathBuf>,
    /// `LOCALAPPDATA`.
    pub local_app_data: Option<PathBuf>,
    /// Where Windows keeps programs.
    pub program_files: Vec<PathBuf>,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// `BLENDER_USER_SCRIPTS`.
    pub blender_scripts: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        // The XDG specification says to ignore relative paths.
        let folder = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = directories::BaseDirs::new().map(|base| base.home_dir().to_owned());
        let or_in_home = |name: &str, default: &str| {
            folder(name).or_else(|| home.as_ref().map(|home| home.join(default)))
        };
        Self {
            system: if cfg!(windows) {
                System::Windows
            } else if cfg!(target_os = "macos") {
                System::MacOs
            } else {
                System::Unix
            },
            root: PathBuf::from("/"),
            data_home: or_in_home("XDG_DATA_HOME", ".local/share"),
            config_home: or_in_home("XDG_CONFIG_HOME", ".config"),
            app_data: folder("APPDATA"),
            local_app_data: folder("LOCALAPPDATA"),
            program_files: ["ProgramFiles", "ProgramW6432"]
                .into_iter()
                .filter_map(folder)
                .collect(),
            path: std::env::var_os("PATH")
                .map(|path| std::env::split_paths(&path).collect())
                .unwrap_or_default(),
            blender_scripts: folder("BLENDER_USER_SCRIPTS"),
            home,
        }
    }

    /// Whether a program is on the `PATH`.
    pub fn on_path(&self, program: &str) -> bool {
        self.find(program).is_some()
    }

    /// Major and minor version that a program on the `PATH` says it has.
    pub fn version_of(&self, program: &str) -> Option<(u32, u32)> {
        let mut command = Command::new(self.find(program)?);
        let said = command
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let number = said.split_whitespace().nth(1)?;
        let mut parts = number.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        let candidates = self.path.iter().map(|folder| folder.join(program));
        candidates.into_iter().find(|path| path.is_file())
    }
}
