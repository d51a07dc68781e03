//! Descriptors that a test lends its guests as standard streams.

#[cfg(unix)]
pub use unix::{Lent, null, number};
#[cfg(windows)]
pub use windows::{Lent, null, number};

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    /// A descriptor. It is open for as long as this exists.
    pub use std::os::fd::OwnedFd as Lent;

    /// `/dev/null`, for reading and writing.
    pub fn null() -> Lent {
        let mut options = File::options();
        options.read(true).write(true);
        options.open("/dev/null").unwrap().into()
    }

    /// Its number.
    pub fn number(lent: &Lent) -> i32 {
        lent.as_raw_fd()
    }
}

#[cfg(windows)]
mod windows {
    use std::fs::File;
    use std::os::windows::io::IntoRawHandle;
    use std::sync::Once;

    use windows_sys::Win32::System::Console::{STD_INPUT_HANDLE, SetStdHandle};

    /// The descriptor of a handle. In a program that is not Node, only the three standard streams have one.
    #[derive(Debug)]
    pub struct Lent(i32);

    /// `NUL`, for reading and writing. It becomes the standard input of this process.
    pub fn null() -> Lent {
        static MADE: Once = Once::new();
        MADE.call_once(|| {
            let mut options = File::options();
            options.read(true).write(true);
            let null = options.open("NUL").unwrap().into_raw_handle();
            // SAFETY: the handle is open, and is never closed.
            assert_ne!(unsafe { SetStdHandle(STD_INPUT_HANDLE, null) }, 0);
        });
        Lent(0)
    }

    /// The number.
    pub fn number(lent: &Lent) -> i32 {
        lent.0
    }
}
