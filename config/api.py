"""The API: `/api/v1/`, its OpenAPI 3.1 schema, and a view of it for people."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from config.api_docs import ApiDocsView
from incidents.api import alerts, comments, postmortems, writing
from incidents.api import views as incidents
from knowledge.api import brownbags, checklists, exports, matches, search
from knowledge.api import views as knowledge
from telemetry.api import archive, queries
from telemetry.api import views as telemetry

router = SimpleRouter(use_regex_path=False)
router.register("clusters", telemetry.ClusterViewSet, basename="api-cluster")
router.register("clusters/<int:cluster>/recordings", archive.RecordingViewSet, basename="api-recording")
router.register("events", archive.EventViewSet, basename="api-event")
router.register("sources", telemetry.SourceViewSet, basename="api-source")
router.register("queries", queries.QueryTemplateViewSet, basename="api-query")
router.register("alerts", alerts.AlertViewSet, basename="api-alert")
router.register("alert-rules", alerts.AlertRuleViewSet, basename="api-alert-rule")
router.register("incidents", incidents.IncidentViewSet, basename="api-incident")
router.register("incidents/<int:number>/evidence", incidents.EvidenceViewSet, basename="api-evidence")
router.register("incidents/<int:number>/updates", incidents.IncidentUpdateViewSet, basename="api-updates")
router.register("incidents/<int:number>/timeline", incidents.TimelineViewSet, basename="api-timeline")
router.register("incidents/<int:number>/milestones", incidents.MilestoneViewSet, basename="api-milestone")
router.register("incidents/<int:number>/collections", incidents.CollectionViewSet, basename="api-collection")
router.register("incidents/<int:number>/pictures", writing.PictureViewSet, basename="api-picture")
router.register("incidents/<int:number>/matches", matches.MatchViewSet, basename="api-match")
router.register("incidents/<int:number>/lessons", matches.LessonShowingViewSet, basename="api-lesson-showing")
router.register("incidents/<int:number>/merges", matches.MergeViewSet, basename="api-merge")
router.register("postmortem-templates", writing.TemplateViewSet, basename="api-template")
router.register("postmortems", postmortems.PostMortemViewSet, basename="api-postmortem")
router.register("postmortems/<int:postmortem>/comments", comments.CommentViewSet, basename="api-comment")
router.register("postmortems/<int:postmortem>/publications", comments.PublicationViewSet, basename="api-publication")
router.register("followups", incidents.FollowUpViewSet, basename="api-followup")
router.register("lessons", knowledge.LessonViewSet, basename="api-lesson")
router.register("checklists", checklists.ChecklistViewSet, basename="api-checklist")
router.register("checklist-runs", checklists.ChecklistRunViewSet, basename="api-checklist-run")
router.register("recovery-objectives", checklists.RecoveryObjectiveViewSet, basename="api-recovery-objective")
router.register("drills", checklists.DrillViewSet, basename="api-drill")
router.register("brownbags", brownbags.BrownBagViewSet, basename="api-brownbag")
router.register("exports", exports.ExportViewSet, basename="api-export")

urlpatterns = [
    path("", include(router.urls)),
    path("search/", search.SearchView.as_view(), name="api-search"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", ApiDocsView.as_view(), name="api-docs"),
]
