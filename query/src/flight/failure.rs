//! Errors in gRPC's codes, which drivers turn into exceptions of their own.

use datafusion::error::DataFusionError;
use tonic::{Code, Status};

use crate::Error;

/// What a driver is told.
pub(super) fn status(error: Error) -> Status {
    let code = match &error {
        Error::MissingKey | Error::UnknownKey => Code::Unauthenticated,
        Error::ReadOnly(_) => Code::PermissionDenied,
        Error::Sql(DataFusionError::Plan(said)) if said.contains("only a question") => Code::PermissionDenied,
        Error::Sql(DataFusionError::NotImplemented(_)) => Code::Unimplemented,
        Error::Sql(_) | Error::Parameter { .. } | Error::Body(_) | Error::TooManyTokens(_) => Code::InvalidArgument,
        Error::TooManyRows(..) | Error::Memory | Error::Busy(..) => Code::ResourceExhausted,
        Error::TooSlow(_) | Error::TooSlowInside => Code::DeadlineExceeded,
        Error::NotYet { .. } | Error::Unsettled(_) | Error::Backfilling { .. } | Error::NoNumbers | Error::Silent => {
            Code::Unavailable
        }
        Error::OtherProgram { .. } => Code::FailedPrecondition,
        _ => {
            tracing::error!(%error, "no answer");
            return Status::internal("the answer cannot be given right now; the log of the query service says why");
        }
    };
    Status::new(code, error.to_string())
}
