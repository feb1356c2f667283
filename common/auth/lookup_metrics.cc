#include "common/auth/lookup_metrics.h"

namespace mailmesh::auth {

telemetry::ScrapeHook MeterLookups(telemetry::Registry& registry, const DirectoryClient& client) {
  const telemetry::Gauge entries = registry.AddGauge("mailmesh_directory_cache_entries", "Answers of the directory that are kept here, old ones too.");
  const telemetry::CounterFamily lookups = registry.AddCounterFamily(
      "mailmesh_directory_cache_lookups_total",
      "Answers needed of the directory: one kept here was fresh; the directory was asked; it was away, and an old one was used.",
      {{"result", {"fresh", "asked", "stale"}}});
  return registry.OnScrape([entries, lookups, &client] {
    const DirectoryClient::Stats stats = client.stats();
    entries.Set(static_cast<double>(stats.entries));
    lookups.With({"fresh"}).RaiseTo(static_cast<double>(stats.hits));
    lookups.With({"stale"}).RaiseTo(static_cast<double>(stats.stale));
    // Who gets an old answer has missed a fresh one first.
    lookups.With({"asked"}).RaiseTo(static_cast<double>(stats.misses) - static_cast<double>(stats.stale));
  });
}

}  // namespace mailmesh::auth
