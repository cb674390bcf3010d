//! Where traces go: to a collector that speaks OTLP over HTTP (Jaeger, Tempo, an OpenTelemetry collector), when one is configured.
//! Without one no span is made anywhere.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use opentelemetry::global;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tidemark_schemas::log::TRACES;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Telemetry;

/// How often finished spans are sent.
const SEND_EVERY: Duration = Duration::from_millis(500);
/// Finished spans that wait for the collector; more are dropped, which it is told nothing of.
const WAITING_MAX: usize = 8_192;
/// How long the collector may take.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// For what waits when the process ends.
const FLUSHED_WITHIN: Duration = Duration::from_secs(2);

/// The way to the collector, if there is one.
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// For a process that makes none.
    pub fn none() -> Self {
        Self(None)
    }

    /// As `[telemetry]` says, under this name of the process. Sends on the current runtime.
    ///
    /// # Errors
    /// An endpoint that is no URL, a ratio that is none.
    pub fn connect(telemetry: &Telemetry, process: &'static str) -> Result<Self> {
        let Telemetry { otlp_endpoint, sampling_ratio } = telemetry;
        ensure!((0.0..=1.0).contains(sampling_ratio), "[telemetry] sampling_ratio = {sampling_ratio}: a ratio is from 0 to 1");
        if otlp_endpoint.is_empty() {
            return Ok(Self::none());
        }
        let refused = || format!("[telemetry] otlp_endpoint = {otlp_endpoint:?}");
        ensure!(otlp_endpoint.starts_with("http://"), "{}: an address like http://127.0.0.1:4318", refused());
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", otlp_endpoint.trim_end_matches('/')))
            .with_timeout(TAKEN_WITHIN)
            .build()
            .with_context(refused)?;
        let exporter = OnRuntime { exporter: Arc::new(exporter), runtime: Handle::current() };
        let bounds = BatchConfigBuilder::default().with_max_queue_size(WAITING_MAX).with_scheduled_delay(SEND_EVERY);
        // Who sends a `traceparent` has decided already; the ratio is for the others.
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(*sampling_ratio)));
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(bounds.build()).build())
            .with_sampler(sampler)
            .with_resource(Resource::builder().with_service_name(process).build())
            .build();
        global::set_text_map_propagator(TraceContextPropagator::new());
        Ok(Self(Some(provider)))
    }

    /// Takes the spans of `TRACES`, and those only.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync>(&self) -> Option<impl Layer<S> + Send + Sync + use<S>> {
        let tracer = self.0.as_ref()?.tracer("tidemark");
        let spans = tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false);
        let spans = spans.with_target(false).with_level(false).with_tracked_inactivity(false);
        Some(spans.with_filter(Targets::new().with_target(TRACES, LevelFilter::INFO)))
    }

    /// Sends what is left.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSHED_WITHIN)).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last spans did not reach the collector");
        }
    }
}

/// The exporter's HTTP client needs tokio, and the SDK calls it from a thread of its own.
struct OnRuntime {
    exporter: Arc<opentelemetry_otlp::SpanExporter>,
    runtime: Handle,
}

impl SpanExporter for OnRuntime {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let exporter = self.exporter.clone();
        let sent = self.runtime.spawn(async move { exporter.export(batch).await });
        async { sent.await.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string()))) }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        // Nothing is sent yet, so that nobody else has it.
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}

impl fmt::Debug for OnRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.exporter.fmt(f)
    }
}
