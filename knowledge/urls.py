from django.urls import path

from knowledge.views import brownbags, checklists, exports, lessons, search

urlpatterns = [
    path("search/", search.search, name="search"),
    path("knowledge/", lessons.lesson_list, name="knowledge"),
    path("knowledge/lessons/new/", lessons.lesson_new, name="lesson-new"),
    path("knowledge/lessons/<int:number>/", lessons.lesson, name="lesson"),
    path("knowledge/lessons/<int:number>/edit/", lessons.lesson_edit, name="lesson-edit"),
    path("knowledge/lessons/<int:number>/delete/", lessons.lesson_delete, name="lesson-delete"),
    path("checklists/", checklists.checklist_list, name="checklist-list"),
    path("checklists/new/", checklists.checklist_edit, name="checklist-new"),
    path("checklists/<int:pk>/", checklists.checklist, name="checklist"),
    path("checklists/<int:pk>/edit/", checklists.checklist_edit, name="checklist-edit"),
    path("checklists/<int:pk>/start/", checklists.run_start, name="checklist-start"),
    path("checklists/runs/<int:pk>/", checklists.run, name="checklist-run"),
    path("checklists/runs/<int:pk>/ticks/<int:tick_id>/", checklists.run_tick, name="checklist-tick"),
    path("checklists/runs/<int:pk>/finish/", checklists.run_finish, name="checklist-finish"),
    path("exports/", exports.export_list, name="export-list"),
    path("exports/new/<str:subject>/<int:ref>/<str:form>/", exports.export_new, name="export-new"),
    path("exports/<int:pk>/", exports.export, name="export"),
    path("exports/<int:pk>/file/", exports.export_file, name="export-file"),
    path("exports/<int:pk>/delete/", exports.export_delete, name="export-delete"),
    path("brown-bags/", brownbags.brownbag_list, name="brownbag-list"),
    path("brown-bags/new/", brownbags.brownbag_edit, name="brownbag-new"),
    path("brown-bags/<int:pk>/", brownbags.brownbag, name="brownbag"),
    path("brown-bags/<int:pk>/edit/", brownbags.brownbag_edit, name="brownbag-edit"),
    path("brown-bags/<int:pk>/export/<str:form>/", brownbags.brownbag_export, name="brownbag-export"),
]
