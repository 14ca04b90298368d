//! Neural networks from ONNX files: checked, loaded and run by `tract-onnx`. The only module that knows tract.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::io::{self, Cursor};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

/// A model file larger than this is none of ours (the largest we allow ourselves is 1.2 MiB).
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Why a model file is refused, in one line.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file or its checksum could not be read.
    #[error("cannot read {}: {source}{hint}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What may help; may be empty.
        hint: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The file's SHA-256 is not the one beside it. Of damaged files tract loads and runs a quarter to a half without complaint, so only this protects.
    #[error("{name}: damaged, or not the file that its .sha256 was made for (SHA-256 is {actual}, should be {expected})")]
    Checksum {
        /// The file.
        name: String,
        /// What the file has.
        actual: String,
        /// What stands in the `.sha256`.
        expected: String,
    },
    /// It is no network that this program can use.
    #[error("{name}: {reason}")]
    Contract {
        /// The file.
        name: String,
        /// What is missing or wrong.
        reason: String,
    },
}

/// What is done about a file without a `.sha256` beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It is refused: our own files always have one.
    Required,
    /// It is taken as it is: other people's files come without.
    IfThere,
}

/// Loads an ONNX file after comparing it with its SHA-256, which stands beside it in `FILE.sha256` as `sha256sum` writes it; `build` makes of it what
/// is wanted.
///
/// # Errors
/// If one of the two cannot be read, they do not fit, or `build` refuses the network.
pub fn load<T>(path: &Path, checksum: Checksum, build: impl FnOnce(OnnxFile) -> Result<T>) -> Result<T, ModelError> {
    let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {MAX_FILE_BYTES} bytes"));
    let bytes = std::fs::metadata(path)
        .and_then(|metadata| if metadata.len() > MAX_FILE_BYTES { Err(too_large()) } else { std::fs::read(path) })
        .map_err(|source| ModelError::Read { path: path.into(), hint: "", source })?;
    let name = path.display().to_string();
    let mut checksum_path = path.as_os_str().to_owned();
    checksum_path.push(".sha256");
    let checksum_path = PathBuf::from(checksum_path);
    match std::fs::read_to_string(&checksum_path) {
        Ok(text) => from_bytes(&bytes, &text, &name, build),
        Err(error) if checksum == Checksum::IfThere && error.kind() == io::ErrorKind::NotFound => {
            from_checked(&bytes, &name, build)
        }
        Err(source) => Err(ModelError::Read {
            path: checksum_path,
            hint: " (make it where the model comes from: sha256sum MODEL.onnx > MODEL.onnx.sha256)",
            source,
        }),
    }
}

/// As [`load`], from bytes and the text that `sha256sum` prints. `name` is for messages.
///
/// # Errors
/// As [`load`], but for reading.
pub fn from_bytes<T>(
    bytes: &[u8],
    checksum: &str,
    name: &str,
    build: impl FnOnce(OnnxFile) -> Result<T>,
) -> Result<T, ModelError> {
    let expected = checksum.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let actual: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if actual != expected {
        return Err(ModelError::Checksum { name: name.into(), actual, expected });
    }
    from_checked(bytes, name, build)
}

fn from_checked<T>(bytes: &[u8], name: &str, build: impl FnOnce(OnnxFile) -> Result<T>) -> Result<T, ModelError> {
    // The one place that catches a panic: a model file is foreign input, and tract panics on some (2 of 3,000 damaged copies).
    let built = catch_unwind(AssertUnwindSafe(|| build(OnnxFile::parse(bytes)?)));
    let refused = |reason: String| ModelError::Contract { name: name.into(), reason };
    match built {
        Ok(Ok(built)) => Ok(built),
        Ok(Err(error)) => Err(refused(format!("{error:#}").replace('\n', " "))),
        Err(_) => Err(refused("the network cannot be run (tract panicked on it)".into())),
    }
}

/// The content of an ONNX file.
pub struct OnnxFile(ModelProto);

impl OnnxFile {
    fn parse(bytes: &[u8]) -> Result<Self> {
        Ok(Self(tract_onnx::onnx().proto_model_for_read(&mut Cursor::new(bytes)).context("no ONNX file")?))
    }

    /// What the file says about itself under `key`.
    ///
    /// # Errors
    /// If it says nothing.
    pub fn property(&self, key: &str) -> Result<&str> {
        let entry = self.0.metadata_props.iter().find(|entry| entry.key == key);
        entry.map(|entry| entry.value.as_str()).with_context(|| format!("not made for visaged: it has no property {key}"))
    }

    /// A property that is a number.
    ///
    /// # Errors
    /// If it is none, or out of `range`.
    pub fn number(&self, key: &str, range: RangeInclusive<f64>) -> Result<f64> {
        let value = self.property(key)?.parse().with_context(|| format!("{key} is no number"))?;
        ensure!(range.contains(&value), "{key} is {value}, out of {} to {}", range.start(), range.end());
        Ok(value)
    }

    /// Refuses a file that was made for another version of the contract between model files and this program.
    ///
    /// # Errors
    /// If it was, or for no visaged at all.
    pub fn expect_contract(&self, known: &str) -> Result<()> {
        let contract = self.property("visaged.contract")?;
        ensure!(
            contract == known,
            "made for another version of visaged, or another stage (contract {contract}, wanted is {known})"
        );
        Ok(())
    }

    /// The names of the outputs.
    pub fn output_names(&self) -> Vec<&str> {
        self.0.graph.iter().flat_map(|graph| &graph.output).map(|output| output.name.as_str()).collect()
    }

    /// The network, made ready for an input of this shape; its outputs must have the shapes `outputs`.
    ///
    /// # Errors
    /// If it cannot be run so.
    pub fn network(&self, input: &[usize], outputs: &[Vec<usize>]) -> Result<Network> {
        let onnx = tract_onnx::onnx().with_ignore_value_info(true).with_ignore_output_shapes(true);
        let mut model = onnx.model_for_proto_model(&self.0)?;
        ensure!(model.input_outlets()?.len() == 1, "it has more than one input");
        model.set_input_fact(0, f32::fact(input).into())?;
        let model = model.into_optimized()?;
        ensure!(model.output_outlets()?.len() == outputs.len(), "it has another number of outputs than {}", outputs.len());
        for (index, shape) in outputs.iter().enumerate() {
            let fact = model.output_fact(index)?;
            ensure!(
                fact.datum_type == f32::datum_type() && fact.shape.as_concrete() == Some(shape),
                "its output {index} is {fact:?}, not {shape:?}"
            );
        }
        Ok(Network { state: model.into_runnable()?.spawn()?, shape: input.to_vec(), outputs: tvec!() })
    }
}

/// A network for inputs of one shape.
pub struct Network {
    state: TypedSimpleState,
    shape: Vec<usize>,
    outputs: TVec<TValue>,
}

impl Network {
    /// Computes the outputs for `input`, which must have as many values as the network's input.
    ///
    /// # Errors
    /// If tract refuses.
    pub fn run(&mut self, input: &[f32]) -> Result<()> {
        let input = Tensor::from_shape(&self.shape, input)?;
        self.outputs = self.state.run(tvec!(input.into()))?;
        Ok(())
    }

    /// The values of one output of the last run.
    ///
    /// # Errors
    /// If there was none, or none with this output.
    pub fn output(&self, index: usize) -> Result<&[f32]> {
        let output = self.outputs.get(index).context("the network computed nothing")?;
        output.try_as_plain_ram()?.as_slice()
    }
}
