//! Works on pictures, by so many threads of rayon's:
//!
//! - `pictures make COUNT` draws so many, of different sizes, into `in`;
//! - `pictures reduce` decodes each of `in`, reduces and turns it, and writes it into
//!   `out` as a PNG and as a JPEG. It prints what became of each.
//!
//! `RAYON_NUM_THREADS` says how many threads there are, and `ROOT` where `in` and `out`
//! are. All paths are absolute: for those that are not wasi-libc has one buffer, which
//! all threads write to.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType::CatmullRom;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use rayon::prelude::*;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let root = PathBuf::from(std::env::var_os("ROOT").ok_or("no ROOT")?);
    let (from, to) = (root.join("in"), root.join("out"));
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", count] => make(count.parse()?, &from),
        ["reduce"] => reduce(&from, &to),
        _ => Err("usage: pictures make COUNT | reduce".into()),
    }
}

fn make(count: u32, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    (0..count).into_par_iter().try_for_each(|number| {
        let (width, height) = (300 + 40 * (number % 5), 200 + 30 * (number % 7));
        let picture = RgbImage::from_fn(width, height, |x, y| {
            let waves = (x * y / 64) ^ (x * number + y);
            Rgb([waves, x + waves / 3, y * 2 + number].map(|channel| channel as u8))
        });
        Ok(picture.save(to.join(format!("{number:03}.png")))?)
    })
}

fn reduce(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let mut files = fs::read_dir(from)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>>>()?;
    files.sort();
    let lines = files
        .par_iter()
        .map(|file| reduce_one(file, to))
        .collect::<Result<Vec<String>>>()?;
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}

fn reduce_one(file: &Path, to: &Path) -> Result<String> {
    let name = file.file_stem().ok_or("no name")?.to_string_lossy();
    let picture = image::load_from_memory(&fs::read(file)?)?;
    let (width, height) = (picture.width() / 2, picture.height() / 2);
    let small = picture.resize_exact(width, height, CatmullRom).rotate90();
    let (png, jpeg) = rayon::join(|| as_png(&small), || as_jpeg(&small));
    let (png, jpeg) = (png?, jpeg?);
    fs::write(to.join(format!("{name}.png")), &png)?;
    fs::write(to.join(format!("{name}.jpg")), &jpeg)?;
    let (width, height) = (small.width(), small.height());
    Ok(format!(
        "{name}: {width} x {height}, {} and {} bytes",
        png.len(),
        jpeg.len()
    ))
}

fn as_png(picture: &DynamicImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

fn as_jpeg(picture: &DynamicImage) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 85))?;
    Ok(bytes)
}
