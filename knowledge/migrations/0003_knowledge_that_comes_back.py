import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.text
import uuid
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models


def give_each_its_own(apps, schema_editor):
    """A default is made once for all rows of a new column."""
    session = apps.get_model("knowledge", "BrownBagSession")
    for row in session.objects.all():
        row.calendar_uid = uuid.uuid4()
        row.save(update_fields=["calendar_uid"])


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0028_merging'),
        ('knowledge', '0002_checklists'),
        ('telemetry', '0012_addresses_of_services'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Trusted since PostgreSQL 13: whoever may create in the database may add it.
        TrigramExtension(),
        migrations.CreateModel(
            name='Attendance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('answer', models.CharField(choices=[('open', 'No answer yet'), ('yes', 'Comes'), ('no', 'Does not come')], default='open', max_length=4)),
                ('was_there', models.BooleanField(default=False)),
                ('changed_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['user__name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='CheckException',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('namespace', models.CharField(blank=True, max_length=63)),
                ('workload_kind', models.CharField(blank=True, max_length=40)),
                ('workload_name', models.CharField(blank=True, max_length=253)),
                ('service', models.CharField(blank=True, max_length=200)),
                ('reason', models.TextField(max_length=2000)),
                ('ends_at', models.DateTimeField()),
                ('created_at', models.DateTimeField()),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['ends_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='ChecklistSchedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('namespace', models.CharField(blank=True, max_length=63)),
                ('workload_kind', models.CharField(blank=True, max_length=40)),
                ('workload_name', models.CharField(blank=True, max_length=253)),
                ('service', models.CharField(blank=True, max_length=200)),
                ('every_hours', models.PositiveIntegerField(default=24)),
                ('next_at', models.DateTimeField()),
                ('enabled', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['checklist__name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='ChecklistVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('name', models.CharField(max_length=120)),
                ('kind', models.CharField(choices=[('response', 'Response'), ('readiness', 'Production readiness'), ('recovery', 'Disaster recovery'), ('review', 'Review')], max_length=10)),
                ('description', models.TextField(blank=True)),
                ('items', models.JSONField(default=list)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('saved_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['-number'],
            },
        ),
        migrations.CreateModel(
            name='CheckRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verdict', models.CharField(choices=[('', 'Not checked'), ('pass', 'Pass'), ('fail', 'Fail'), ('unknown', 'Unknown')], max_length=8)),
                ('reason', models.TextField(blank=True)),
                ('led_to', models.CharField(blank=True, help_text='What it did, such as: proposed as done.', max_length=60)),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['-at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Drill',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource_version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('title', models.CharField(max_length=200)),
                ('scenario', models.TextField(blank=True, max_length=20000)),
                ('planned_at', models.DateTimeField()),
                ('restored_to_at', models.DateTimeField(blank=True, null=True)),
                ('findings', models.TextField(blank=True, max_length=20000)),
                ('cancelled_at', models.DateTimeField(blank=True, null=True)),
                ('cancelled_why', models.CharField(blank=True, max_length=300)),
            ],
            options={
                'ordering': ['-planned_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Export',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(choices=[('brownbag', 'Brown-bag session'), ('postmortem', 'Post-mortem'), ('incidents', 'List of incidents')], max_length=14)),
                ('ref', models.PositiveBigIntegerField(default=0)),
                ('format', models.CharField(max_length=10)),
                ('query', models.JSONField(blank=True, default=dict)),
                ('title', models.CharField(max_length=300)),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Being made'), ('done', 'Ready'), ('failed', 'Failed')], default='queued', max_length=8)),
                ('progress', models.PositiveSmallIntegerField(default=0)),
                ('step', models.CharField(blank=True, max_length=120)),
                ('reason', models.TextField(blank=True, max_length=2000)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('left_out', models.PositiveIntegerField(default=0)),
                ('file_name', models.CharField(blank=True, max_length=200)),
                ('content_type', models.CharField(blank=True, max_length=100)),
                ('size', models.PositiveIntegerField(default=0)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('data', models.BinaryField(blank=True, null=True)),
                ('requested_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Feedback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('useful', models.CharField(choices=[('yes', 'Useful'), ('partly', 'In part'), ('no', 'Not useful')], max_length=6)),
                ('text', models.TextField(blank=True, max_length=2000)),
                ('changed_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'feedback',
                'ordering': ['-changed_at'],
            },
        ),
        migrations.CreateModel(
            name='FollowUpCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('namespace', models.CharField(blank=True, max_length=63)),
                ('workload_kind', models.CharField(blank=True, max_length=40)),
                ('workload_name', models.CharField(blank=True, max_length=253)),
                ('service', models.CharField(blank=True, max_length=200)),
                ('verdict', models.CharField(blank=True, choices=[('', 'Not checked'), ('pass', 'Pass'), ('fail', 'Fail'), ('unknown', 'Unknown')], default='', max_length=8)),
                ('verdict_reason', models.TextField(blank=True)),
                ('verdict_remedy', models.TextField(blank=True)),
                ('facts', models.JSONField(blank=True, default=dict)),
                ('checked_at', models.DateTimeField(blank=True, null=True)),
                ('check_name', models.CharField(max_length=40)),
                ('params', models.JSONField(blank=True, default=dict)),
                ('state', models.CharField(choices=[('watching', 'Watching'), ('proposed', 'Proposed as done'), ('accepted', 'Accepted as done'), ('declined', 'Declined')], default='watching', max_length=8)),
                ('state_at', models.DateTimeField()),
                ('check_state', models.CharField(blank=True, choices=[('', 'Not asked'), ('queued', 'Waiting'), ('running', 'Being checked'), ('done', 'Checked')], default='', max_length=8)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('every_hours', models.PositiveIntegerField(default=6)),
                ('next_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='ImportedDocument',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('path', models.CharField(max_length=500)),
                ('imported_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='LessonShowing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reasons', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=300), default=list, size=None)),
                ('answer', models.CharField(blank=True, choices=[('', 'No answer yet'), ('helped', 'Helped'), ('ignored', 'Did not help')], default='', max_length=8)),
                ('at', models.DateTimeField(blank=True, null=True)),
                ('shown_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['-shown_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='LessonVerdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('written', 'Written'), ('confirmed', 'Confirmed'), ('disputed', 'Disputed'), ('retired', 'Retired')], max_length=10)),
                ('reason', models.TextField(blank=True, max_length=2000)),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['-at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Match',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('score', models.FloatField()),
                ('reasons', models.JSONField(default=list)),
                ('verdict', models.CharField(blank=True, choices=[('', 'Nobody has said yet'), ('same_cause', 'Same cause'), ('not_this', 'Not this')], default='', max_length=10)),
                ('is_same', models.GeneratedField(db_persist=True, expression=models.Case(models.When(then=models.Value(1), verdict='same_cause'), default=models.Value(0)), output_field=models.SmallIntegerField())),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('told_at', models.DateTimeField(blank=True, help_text='When chats heard of it.', null=True)),
                ('found_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'matches',
                'ordering': ['-score'],
            },
        ),
        migrations.CreateModel(
            name='RecoveryObjective',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource_version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('service', models.CharField(blank=True, max_length=200)),
                ('namespace', models.CharField(blank=True, max_length=63)),
                ('rto_seconds', models.PositiveIntegerField(blank=True, null=True)),
                ('rpo_seconds', models.PositiveIntegerField(blank=True, null=True)),
                ('note', models.TextField(blank=True, max_length=2000)),
                ('agreed_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['namespace', 'service'],
            },
        ),
        migrations.CreateModel(
            name='RecoveryReading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('age_seconds', models.PositiveIntegerField(blank=True, null=True)),
                ('tool', models.CharField(blank=True, max_length=40)),
                ('point', models.CharField(blank=True, max_length=253)),
                ('reason', models.TextField(blank=True, max_length=2000)),
                ('facts', models.JSONField(blank=True, default=dict)),
            ],
            options={
                'ordering': ['-at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='SearchDocument',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('incident', 'Incidents'), ('postmortem', 'Post-mortems'), ('lesson', 'Lessons'), ('checklist', 'Checklists'), ('timeline', 'Timeline'), ('evidence', 'Evidence'), ('followup', 'Follow-ups')], max_length=10)),
                ('ref', models.PositiveBigIntegerField()),
                ('key', models.CharField(blank=True, max_length=40)),
                ('title', models.CharField(max_length=300)),
                ('keywords', models.TextField(blank=True, help_text='Names as they are written: services, reasons, labels.')),
                ('body', models.TextField(blank=True)),
                ('url', models.CharField(max_length=300)),
                ('severity', models.CharField(blank=True, max_length=20)),
                ('status', models.CharField(blank=True, max_length=20)),
                ('services', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), default=list, size=None)),
                ('namespaces', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=63), default=list, size=None)),
                ('reasons', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), default=list, size=None)),
                ('at', models.DateTimeField()),
                ('version', models.PositiveBigIntegerField(default=0)),
                ('is_collected', models.GeneratedField(db_persist=True, expression=models.Case(models.When(kind__in=['timeline', 'evidence'], then=models.Value(True)), default=models.Value(False)), output_field=models.BooleanField())),
                ('vector', models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.SearchVector('title', config='english', weight='A'), '||', django.contrib.postgres.search.SearchVector('keywords', config='english', weight='B'), django.contrib.postgres.search.SearchConfig('english')), '||', django.contrib.postgres.search.SearchVector('body', config='english', weight='D'), django.contrib.postgres.search.SearchConfig('english')), output_field=django.contrib.postgres.search.SearchVectorField())),
            ],
        ),
        migrations.CreateModel(
            name='SearchWord',
            fields=[
                ('word', models.CharField(max_length=60, primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name='Trait',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('signal', 'Signal of a workload'), ('reason', 'Reason of an Event'), ('alert', 'Alert'), ('fingerprint', 'The same alert'), ('node', 'Failing node'), ('image', 'Image'), ('log', 'Log pattern'), ('rollout', 'Rollout just before'), ('workload', 'Workload'), ('service', 'Service'), ('word', 'Word')], max_length=12)),
                ('value', models.CharField(max_length=300)),
                ('label', models.CharField(max_length=300)),
                ('evidence', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveIntegerField(), blank=True, default=list, size=None)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='brownbagitem',
            name='an_item_is_one_thing',
        ),
        migrations.RemoveConstraint(
            model_name='checklistrun',
            name='a_run_belongs_somewhere',
        ),
        migrations.AddField(
            model_name='brownbagitem',
            name='questions',
            field=models.TextField(blank=True, help_text='For the audience, one a line.', max_length=2000),
        ),
        migrations.AddField(
            model_name='brownbagitem',
            name='title',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='brownbagsession',
            name='calendar_sequence',
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name='brownbagsession',
            name='calendar_uid',
            field=models.UUIDField(default=uuid.uuid4, editable=False),
        ),
        migrations.AddField(
            model_name='brownbagsession',
            name='ended_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='brownbagsession',
            name='followups',
            field=models.ManyToManyField(blank=True, related_name='brownbags', to='incidents.followup'),
        ),
        migrations.AddField(
            model_name='brownbagsession',
            name='minutes',
            field=models.PositiveSmallIntegerField(default=45, help_text='How long the slot is.'),
        ),
        migrations.AddField(
            model_name='brownbagsession',
            name='notes',
            field=models.TextField(blank=True, help_text='What was said in the session.', max_length=20000),
        ),
        migrations.AddField(
            model_name='brownbagsession',
            name='place',
            field=models.CharField(blank=True, help_text='A room, or the address of a call.', max_length=300),
        ),
        migrations.AddField(
            model_name='checklist',
            name='shipped',
            field=models.CharField(blank=True, editable=False, max_length=40),
        ),
        migrations.AddField(
            model_name='checklist',
            name='version',
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='checklistitem',
            name='check_name',
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name='checklistitem',
            name='group',
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name='checklistitem',
            name='lesson',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='checklist_items', to='knowledge.lesson'),
        ),
        migrations.AddField(
            model_name='checklistitem',
            name='params',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='checklistrun',
            name='check_attempts',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='checklistrun',
            name='check_lease_until',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='checklistrun',
            name='check_state',
            field=models.CharField(blank=True, choices=[('', 'Not asked'), ('queued', 'Waiting'), ('running', 'Being checked'), ('done', 'Checked')], default='', max_length=8),
        ),
        migrations.AddField(
            model_name='checklistrun',
            name='checked_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='checklistrun',
            name='cluster',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='telemetry.cluster'),
        ),
        migrations.AddField(
            model_name='checklistrun',
            name='namespace',
            field=models.CharField(blank=True, max_length=63),
        ),
        migrations.AddField(
            model_name='checklistrun',
            name='version',
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='checklistrun',
            name='workload_kind',
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name='checklistrun',
            name='workload_name',
            field=models.CharField(blank=True, max_length=253),
        ),
        migrations.AddField(
            model_name='checklisttick',
            name='check_name',
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name='checklisttick',
            name='checked_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='checklisttick',
            name='facts',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='checklisttick',
            name='followup',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='checklist_ticks', to='incidents.followup'),
        ),
        migrations.AddField(
            model_name='checklisttick',
            name='group',
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name='checklisttick',
            name='params',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='checklisttick',
            name='verdict',
            field=models.CharField(blank=True, choices=[('', 'Not checked'), ('pass', 'Pass'), ('fail', 'Fail'), ('unknown', 'Unknown')], default='', max_length=8),
        ),
        migrations.AddField(
            model_name='checklisttick',
            name='verdict_reason',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='checklisttick',
            name='verdict_remedy',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='lesson',
            name='quote',
            field=models.TextField(blank=True, max_length=5000),
        ),
        migrations.AddField(
            model_name='lesson',
            name='quoted_from',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='incidents.postmortem'),
        ),
        migrations.AddField(
            model_name='lesson',
            name='signals',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='lesson',
            name='state',
            field=models.CharField(choices=[('written', 'Written'), ('confirmed', 'Confirmed'), ('disputed', 'Disputed'), ('retired', 'Retired')], default='written', max_length=10),
        ),
        migrations.AlterField(
            model_name='brownbagitem',
            name='notes',
            field=models.TextField(blank=True, help_text='For the speaker alone.', max_length=5000),
        ),
        migrations.AddConstraint(
            model_name='brownbagitem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('lesson', None), ('postmortem__isnull', False), ('title', '')), models.Q(('lesson__isnull', False), ('postmortem', None), ('title', '')), models.Q(('lesson', None), ('postmortem', None), models.Q(('title', ''), _negated=True)), _connector='OR'), name='an_item_is_one_thing'),
        ),
        migrations.AddField(
            model_name='attendance',
            name='session',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attendances', to='knowledge.brownbagsession'),
        ),
        migrations.AddField(
            model_name='attendance',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='checkexception',
            name='cluster',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='telemetry.cluster'),
        ),
        migrations.AddField(
            model_name='checkexception',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='checkexception',
            name='item',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='exceptions', to='knowledge.checklistitem'),
        ),
        migrations.AddField(
            model_name='checkexception',
            name='owner',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='checklisttick',
            name='exception',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='knowledge.checkexception'),
        ),
        migrations.AddField(
            model_name='checklistschedule',
            name='checklist',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='schedules', to='knowledge.checklist'),
        ),
        migrations.AddField(
            model_name='checklistschedule',
            name='cluster',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='telemetry.cluster'),
        ),
        migrations.AddField(
            model_name='checklistschedule',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='checklistrun',
            name='schedule',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to='knowledge.checklistschedule'),
        ),
        migrations.AddField(
            model_name='checklistversion',
            name='checklist',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='knowledge.checklist'),
        ),
        migrations.AddField(
            model_name='checklistversion',
            name='saved_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='drill',
            name='checklist',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='drills', to='knowledge.checklist'),
        ),
        migrations.AddField(
            model_name='drill',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='drill',
            name='incident',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='drill', to='incidents.incident'),
        ),
        migrations.AddField(
            model_name='drill',
            name='lead',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='checklistrun',
            name='drill',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='checklist_runs', to='knowledge.drill'),
        ),
        migrations.AddIndex(
            model_name='checklistrun',
            index=models.Index(condition=models.Q(('check_state__in', ['queued', 'running'])), fields=['check_state', 'check_lease_until'], name='runs_being_checked'),
        ),
        migrations.AddConstraint(
            model_name='checklistrun',
            constraint=models.CheckConstraint(condition=models.Q(('incident__isnull', False), models.Q(('service', ''), _negated=True), models.Q(('namespace', ''), _negated=True), models.Q(('workload_name', ''), _negated=True), _connector='OR'), name='a_run_belongs_somewhere'),
        ),
        migrations.AddField(
            model_name='export',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='exports', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='feedback',
            name='session',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='feedback', to='knowledge.brownbagsession'),
        ),
        migrations.AddField(
            model_name='feedback',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='followupcheck',
            name='cluster',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='telemetry.cluster'),
        ),
        migrations.AddField(
            model_name='followupcheck',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='followupcheck',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='followupcheck',
            name='followup',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='check_up', to='incidents.followup'),
        ),
        migrations.AddField(
            model_name='checkrecord',
            name='check_up',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='records', to='knowledge.followupcheck'),
        ),
        migrations.AddField(
            model_name='importeddocument',
            name='imported_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='importeddocument',
            name='postmortem',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='imported', to='incidents.postmortem'),
        ),
        migrations.AddField(
            model_name='lessonshowing',
            name='by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='lessonshowing',
            name='incident',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lesson_showings', to='incidents.incident'),
        ),
        migrations.AddField(
            model_name='lessonshowing',
            name='lesson',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='showings', to='knowledge.lesson'),
        ),
        migrations.AddField(
            model_name='lessonverdict',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='lessonverdict',
            name='lesson',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='verdicts', to='knowledge.lesson'),
        ),
        migrations.AddField(
            model_name='match',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='match',
            name='earlier',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='later_matches', to='incidents.incident'),
        ),
        migrations.AddField(
            model_name='match',
            name='incident',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='matches', to='incidents.incident'),
        ),
        migrations.AddField(
            model_name='recoveryobjective',
            name='agreed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='recoveryobjective',
            name='cluster',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='recovery_objectives', to='telemetry.cluster'),
        ),
        migrations.AddField(
            model_name='drill',
            name='objective',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='drills', to='knowledge.recoveryobjective'),
        ),
        migrations.AddField(
            model_name='recoveryreading',
            name='objective',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='readings', to='knowledge.recoveryobjective'),
        ),
        migrations.AddField(
            model_name='searchdocument',
            name='incident',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='incidents.incident'),
        ),
        migrations.AddField(
            model_name='searchdocument',
            name='lesson',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='knowledge.lesson'),
        ),
        migrations.AddIndex(
            model_name='searchword',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('word'), name='gin_trgm_ops'), name='search_word_trigrams'),
        ),
        migrations.AddField(
            model_name='trait',
            name='incident',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='traits', to='incidents.incident'),
        ),
        migrations.AddConstraint(
            model_name='attendance',
            constraint=models.UniqueConstraint(fields=('session', 'user'), name='one_answer_per_session'),
        ),
        migrations.AddConstraint(
            model_name='checkexception',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='exceptions_say_why'),
        ),
        migrations.AddIndex(
            model_name='checklistschedule',
            index=models.Index(condition=models.Q(('enabled', True)), fields=['next_at'], name='schedules_due'),
        ),
        migrations.AddConstraint(
            model_name='checklistversion',
            constraint=models.UniqueConstraint(fields=('checklist', 'number'), name='a_version_once_per_checklist'),
        ),
        migrations.AddIndex(
            model_name='export',
            index=models.Index(fields=['person', '-id'], name='exports_of_a_person'),
        ),
        migrations.AddIndex(
            model_name='export',
            index=models.Index(fields=['subject', 'ref', '-id'], name='exports_of_a_thing'),
        ),
        migrations.AddIndex(
            model_name='export',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'running'])), fields=['state', 'lease_until'], name='unfinished_exports'),
        ),
        migrations.AddConstraint(
            model_name='feedback',
            constraint=models.UniqueConstraint(fields=('session', 'user'), name='one_feedback_per_session'),
        ),
        migrations.AddIndex(
            model_name='followupcheck',
            index=models.Index(fields=['next_at'], name='followup_checks_due'),
        ),
        migrations.AddConstraint(
            model_name='lessonshowing',
            constraint=models.UniqueConstraint(fields=('lesson', 'incident'), name='a_lesson_once_per_incident'),
        ),
        migrations.AddConstraint(
            model_name='lessonverdict',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['disputed', 'retired']), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='doubts_about_lessons_say_why'),
        ),
        migrations.AddConstraint(
            model_name='match',
            constraint=models.UniqueConstraint(fields=('incident', 'earlier'), name='a_pair_matches_once'),
        ),
        migrations.AddConstraint(
            model_name='match',
            constraint=models.CheckConstraint(condition=models.Q(('incident', models.F('earlier')), _negated=True), name='nothing_matches_itself'),
        ),
        migrations.AddConstraint(
            model_name='recoveryobjective',
            constraint=models.UniqueConstraint(fields=('service', 'namespace', 'cluster'), name='one_objective_per_place', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='recoveryobjective',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('service', ''), _negated=True), models.Q(('namespace', ''), _negated=True), _connector='OR'), name='an_objective_is_for_something'),
        ),
        migrations.AddConstraint(
            model_name='recoveryobjective',
            constraint=models.CheckConstraint(condition=models.Q(('rto_seconds__isnull', False), ('rpo_seconds__isnull', False), _connector='OR'), name='an_objective_says_something'),
        ),
        migrations.AddIndex(
            model_name='recoveryreading',
            index=models.Index(fields=['objective', '-at'], name='readings_of_an_objective'),
        ),
        migrations.AddIndex(
            model_name='searchdocument',
            index=django.contrib.postgres.indexes.GinIndex(fields=['vector'], name='search_vector'),
        ),
        migrations.AddIndex(
            model_name='searchdocument',
            index=models.Index(fields=['incident', 'kind'], name='search_of_an_incident'),
        ),
        migrations.AddIndex(
            model_name='searchdocument',
            index=models.Index(fields=['is_collected', '-at'], name='search_in_order'),
        ),
        migrations.AddIndex(
            model_name='searchdocument',
            index=models.Index(condition=models.Q(('key', ''), _negated=True), fields=['key'], name='search_by_key'),
        ),
        migrations.AddConstraint(
            model_name='searchdocument',
            constraint=models.UniqueConstraint(fields=('kind', 'ref'), name='a_thing_is_found_once'),
        ),
        migrations.AddIndex(
            model_name='trait',
            index=models.Index(fields=['kind', 'value'], name='incidents_of_a_trait'),
        ),
        migrations.AddConstraint(
            model_name='trait',
            constraint=models.UniqueConstraint(fields=('incident', 'kind', 'value'), name='a_trait_once_per_incident'),
        ),
        migrations.RunPython(give_each_its_own, migrations.RunPython.noop),
    ]
