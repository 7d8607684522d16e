from django.urls import path

from telemetry.views import events, fluent, hooks, otlp, queries, sources

urlpatterns = [
    path("v1/traces", otlp.traces, name="otlp-traces"),
    path("v1/logs", otlp.logs, name="otlp-logs"),
    path("v1/metrics", otlp.metrics, name="otlp-metrics"),
    path("ingest/fluent/", fluent.records, name="fluent"),
    path("hooks/<slug:kind>/", hooks.hook, name="hook"),
    path("events/", events.event_list, name="event-list"),
    path("events/counts/", events.event_counts, name="event-counts"),
    path("queries/", queries.query_list, name="query-list"),
    path("queries/new/", queries.query_new, name="query-new"),
    path("queries/try/", queries.query_try, name="query-try"),
    path("queries/trials/<int:pk>/", queries.query_trial, name="query-trial"),
    path("queries/<int:pk>/", queries.query_edit, name="query-edit"),
    path("queries/<int:pk>/delete/", queries.query_delete, name="query-delete"),
    path("sources/", sources.source_list, name="source-list"),
    path("sources/new/", sources.source_new, name="source-new"),
    path("sources/clusters/new/", sources.cluster_new, name="cluster-new"),
    path("sources/clusters/<int:pk>/", sources.cluster_edit, name="cluster-edit"),
    path("sources/clusters/<int:pk>/recorded/", sources.cluster_recorded, name="cluster-recorded"),
    path("sources/<int:pk>/", sources.source_edit, name="source-edit"),
    path("sources/<int:pk>/check/", sources.source_check, name="source-check"),
    path("sources/<int:pk>/delete/", sources.source_delete, name="source-delete"),
]
