//! What answers are made of, and how requests' bodies are read: never more than a little.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio_stream::Stream;
use tokio_stream::wrappers::WatchStream;

use super::access::Refusal;

/// No wish is longer.
const LONGEST: usize = 1 << 10;

/// Nor takes longer to be said.
const PATIENCE: Duration = Duration::from_secs(5);

/// The body of an answer.
pub(super) enum Answer {
    /// All of it, until it has been taken.
    Whole(Bytes),
    /// The newest event, again and again, for as long as the reader is there. Events that it was too slow for are left out.
    Events(WatchStream<Bytes>, #[expect(dead_code, reason = "given back at the end")] OwnedSemaphorePermit),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Events(events, _) => Pin::new(events).poll_next(context).map(|event| event.map(|event| Ok(Frame::data(event)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Events(..) => SizeHint::default(),
        }
    }
}

/// Reads a body to its end.
///
/// # Errors
/// With 413 if it is too long, 408 if it takes too long, 400 if it breaks off.
pub(super) async fn read<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<Vec<u8>, Refusal> {
    const TOO_LONG: Refusal = (StatusCode::PAYLOAD_TOO_LARGE, "the body is too long");
    if body.size_hint().lower() > LONGEST as u64 {
        return Err(TOO_LONG);
    }
    let all = async {
        let mut all = Vec::new();
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let frame = frame.map_err(|_| (StatusCode::BAD_REQUEST, "the body breaks off, or is none"))?;
            let Ok(data) = frame.into_data() else { continue };
            if all.len() + data.len() > LONGEST {
                return Err(TOO_LONG);
            }
            all.extend_from_slice(&data);
        }
        Ok(all)
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap_or(Err((StatusCode::REQUEST_TIMEOUT, "the body takes too long")))
}
