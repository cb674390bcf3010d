//! Where snapshots are kept: a directory, or the URL of an object store.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, local::LocalFileSystem, path::Path};
use reqwest::Url;

use super::Archive;
use crate::{Error, sink::GenerationId};

/// The word for having none.
const OFF: &str = "off";

/// An object store and the prefix of everything in it that is ours.
#[derive(Debug, Clone)]
pub struct Place {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) prefix: Path,
}

impl Place {
    /// The place that a setting names; none if it is empty or `off`. A directory is made where it is not there.
    ///
    /// # Errors
    /// A directory that cannot be used; a URL of something that this program cannot reach.
    pub fn open(setting: &str) -> Result<Option<Self>, Error> {
        let unusable = |reason: String| {
            Error::Invalid(format!("projector.snapshots = {setting:?}: {reason}; set a directory, a file:// URL, or \"{OFF}\""))
        };
        if setting.is_empty() || setting == OFF {
            return Ok(None);
        }
        let directory = match Url::parse(setting) {
            Ok(url) if url.scheme() == "file" => url.to_file_path().map_err(|()| unusable("it has no path".to_owned()))?,
            Ok(url) => {
                let (store, prefix) = object_store::parse_url(&url).map_err(|error| unusable(error.to_string()))?;
                return Ok(Some(Self { store: store.into(), prefix }));
            }
            Err(_) => setting.into(),
        };
        std::fs::create_dir_all(&directory).map_err(|error| unusable(error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(&directory).map_err(|error| unusable(error.to_string()))?;
        Ok(Some(Self::new(Arc::new(store.with_automatic_cleanup(true)))))
    }

    /// The whole of a store.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, prefix: Path::default() }
    }

    /// The snapshots of a generation in it.
    #[must_use]
    pub fn archive(&self, id: GenerationId) -> Archive {
        Archive::new(self.clone(), id)
    }

    /// Removes every snapshot of a generation.
    ///
    /// # Errors
    /// The store did not do it.
    pub async fn forget(&self, generation: u32) -> Result<(), Error> {
        let name = generation_name(generation);
        let is_of_it = |path: &Path| path.parts().any(|part| part.as_ref() == name);
        self.remove(is_of_it, &self.prefix).await.map_err(|error| Error::Snapshot { name, reason: error.to_string() })
    }

    /// Removes objects under a prefix.
    pub(super) async fn remove(&self, unwanted: impl Fn(&Path) -> bool, prefix: &Path) -> Result<(), object_store::Error> {
        let objects = self.store.list(Some(prefix)).map_ok(|object| object.location).try_collect::<Vec<Path>>().await?;
        for path in objects.iter().filter(|path| unwanted(path)) {
            match self.store.delete(path).await {
                // Another process removed it at the same time.
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The directory of a generation.
pub(super) fn generation_name(generation: u32) -> String {
    format!("generation-{generation}")
}
