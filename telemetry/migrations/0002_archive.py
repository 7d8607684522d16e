import django.db.models.deletion
from django.db import migrations, models


# Django cannot declare partitions. No primary key: `id` is the order of arrival, and a unique index over
# partitions must hold the partition key. Times outside any day's partition go to the default one.
EVENTS = """
CREATE TABLE telemetry_clusterevent (
    id bigserial NOT NULL,
    cluster_id bigint NOT NULL,
    uid varchar(128) NOT NULL,
    created_at timestamptz NOT NULL,
    namespace varchar(253) NOT NULL,
    name varchar(300) NOT NULL,
    resource_version varchar(200) NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    count integer NOT NULL CHECK (count >= 0),
    highest_count integer NOT NULL CHECK (highest_count >= 0),
    is_lower_bound boolean NOT NULL,
    type varchar(40) NOT NULL,
    reason varchar(200) NOT NULL,
    message text NOT NULL,
    action varchar(200) NOT NULL,
    reporter varchar(253) NOT NULL,
    host varchar(253) NOT NULL,
    about_group varchar(253) NOT NULL,
    about_kind varchar(120) NOT NULL,
    about_namespace varchar(253) NOT NULL,
    about_name varchar(300) NOT NULL,
    about_uid varchar(128) NOT NULL,
    about_field_path varchar(300) NOT NULL,
    signal varchar(40) NOT NULL,
    redactions jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    gone_at timestamptz
) PARTITION BY RANGE (created_at);
CREATE TABLE telemetry_clusterevent_other PARTITION OF telemetry_clusterevent DEFAULT;
CREATE UNIQUE INDEX one_row_per_event ON telemetry_clusterevent (cluster_id, uid, created_at);
CREATE INDEX events_by_time ON telemetry_clusterevent (last_at, id);
CREATE INDEX events_by_namespace ON telemetry_clusterevent (namespace, last_at, id);
CREATE INDEX events_by_object ON telemetry_clusterevent (about_name, last_at, id);
CREATE INDEX events_by_reason ON telemetry_clusterevent (reason, last_at, id);
CREATE INDEX events_by_signal ON telemetry_clusterevent (signal, last_at, id) WHERE signal <> '';
"""


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='cluster',
            name='recorded',
            field=models.BooleanField(default=True, help_text='Let the recorder watch this cluster.'),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='ClusterEvent',
                    fields=[
                        ('id', models.BigAutoField(primary_key=True, serialize=False)),
                        ('uid', models.CharField(max_length=128)),
                        ('created_at', models.DateTimeField()),
                        ('namespace', models.CharField(blank=True, max_length=253)),
                        ('name', models.CharField(max_length=300)),
                        ('resource_version', models.CharField(max_length=200)),
                        ('first_at', models.DateTimeField()),
                        ('last_at', models.DateTimeField()),
                        ('count', models.PositiveIntegerField(default=1)),
                        ('highest_count', models.PositiveIntegerField(default=1)),
                        ('is_lower_bound', models.BooleanField(default=False, help_text='It went on until last_at; the count is a minimum.')),
                        ('type', models.CharField(blank=True, max_length=40)),
                        ('reason', models.CharField(blank=True, max_length=200)),
                        ('message', models.TextField(blank=True)),
                        ('action', models.CharField(blank=True, max_length=200)),
                        ('reporter', models.CharField(blank=True, max_length=253)),
                        ('host', models.CharField(blank=True, max_length=253)),
                        ('about_group', models.CharField(blank=True, max_length=253)),
                        ('about_kind', models.CharField(blank=True, max_length=120)),
                        ('about_namespace', models.CharField(blank=True, max_length=253)),
                        ('about_name', models.CharField(blank=True, max_length=300)),
                        ('about_uid', models.CharField(blank=True, max_length=128)),
                        ('about_field_path', models.CharField(blank=True, max_length=300)),
                        ('signal', models.CharField(blank=True, help_text='The name of the rule that recognised it.', max_length=40)),
                        ('redactions', models.JSONField(default=dict)),
                        ('received_at', models.DateTimeField()),
                        ('updated_at', models.DateTimeField()),
                        ('gone_at', models.DateTimeField(blank=True, help_text='When the cluster dropped it; it stays here.', null=True)),
                        ('cluster', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='telemetry.cluster')),
                    ],
                    options={
                        'ordering': ['-last_at', '-id'],
                    },
                ),
            ],
            database_operations=[migrations.RunSQL(EVENTS, "DROP TABLE telemetry_clusterevent")],
        ),
        migrations.CreateModel(
            name='ContainerEnding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('namespace', models.CharField(max_length=253)),
                ('pod', models.CharField(max_length=300)),
                ('pod_uid', models.CharField(max_length=128)),
                ('container', models.CharField(max_length=120)),
                ('container_id', models.CharField(blank=True, help_text='Of the life that ended.', max_length=200)),
                ('init', models.BooleanField(default=False)),
                ('restarts', models.PositiveIntegerField(default=0)),
                ('exit_code', models.IntegerField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('message', models.TextField(blank=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField()),
                ('node', models.CharField(blank=True, max_length=253)),
                ('workload_kind', models.CharField(blank=True, max_length=120)),
                ('workload_name', models.CharField(blank=True, max_length=300)),
                ('is_previous', models.BooleanField(default=True, help_text='The container was started again after this end.')),
                ('log', models.TextField(blank=True)),
                ('log_status', models.CharField(blank=True, max_length=16)),
                ('log_reason', models.TextField(blank=True)),
                ('log_lines', models.PositiveIntegerField(default=0)),
                ('log_truncated', models.BooleanField(default=False)),
                ('log_fetched_at', models.DateTimeField(blank=True, null=True)),
                ('log_attempts', models.PositiveSmallIntegerField(default=0)),
                ('redactions', models.JSONField(default=dict)),
                ('received_at', models.DateTimeField()),
                ('cluster', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='endings', to='telemetry.cluster')),
            ],
            options={
                'ordering': ['finished_at', 'id'],
                'indexes': [models.Index(fields=['cluster', 'namespace', 'finished_at'], name='endings_of_a_namespace'), models.Index(fields=['finished_at'], name='endings_by_age'), models.Index(condition=models.Q(('log_status', '')), fields=['cluster', 'received_at'], name='endings_without_a_log')],
                'constraints': [models.UniqueConstraint(fields=('cluster', 'pod_uid', 'container', 'finished_at'), name='one_row_per_container_ending')],
            },
        ),
        migrations.CreateModel(
            name='CoverageGap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource', models.CharField(max_length=120)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField()),
                ('reason', models.CharField(choices=[('expired', 'The cluster no longer had what changed meanwhile'), ('unreadable', 'Something that the cluster sent could not be read'), ('replaced', 'Another cluster answers at this address')], max_length=12)),
                ('detail', models.TextField(blank=True)),
                ('recorded_at', models.DateTimeField()),
                ('cluster', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='gaps', to='telemetry.cluster')),
            ],
            options={
                'ordering': ['started_at', 'id'],
                'indexes': [models.Index(fields=['cluster', 'resource', 'ended_at'], name='gaps_of_a_resource')],
            },
        ),
        migrations.CreateModel(
            name='ObjectSnapshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource', models.CharField(max_length=120)),
                ('group', models.CharField(blank=True, max_length=253)),
                ('kind', models.CharField(max_length=120)),
                ('namespace', models.CharField(blank=True, max_length=253)),
                ('name', models.CharField(max_length=300)),
                ('uid', models.CharField(max_length=128)),
                ('resource_version', models.CharField(max_length=200)),
                ('generation', models.BigIntegerField(default=0)),
                ('owner_kind', models.CharField(blank=True, max_length=120)),
                ('owner_name', models.CharField(blank=True, max_length=300)),
                ('owner_uid', models.CharField(blank=True, max_length=128)),
                ('changed_at', models.DateTimeField()),
                ('until_at', models.DateTimeField(blank=True, null=True)),
                ('ended', models.CharField(blank=True, choices=[('replaced', 'Changed'), ('deleted', 'Deleted'), ('missed', 'Deleted while nobody watched')], max_length=8)),
                ('body', models.JSONField()),
                ('digest', models.CharField(max_length=32)),
                ('redactions', models.JSONField(default=dict)),
                ('received_at', models.DateTimeField()),
                ('cluster', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='snapshots', to='telemetry.cluster')),
            ],
            options={
                'ordering': ['changed_at', 'id'],
                'indexes': [models.Index(fields=['cluster', 'resource', 'namespace', 'until_at'], name='states_of_a_time'), models.Index(fields=['cluster', 'uid', 'changed_at'], name='states_of_an_object'), models.Index(fields=['until_at'], name='states_by_age')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('until_at', None)), fields=('cluster', 'resource', 'uid'), name='one_current_state')],
            },
        ),
        migrations.CreateModel(
            name='Recording',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource', models.CharField(max_length=120)),
                ('resource_version', models.CharField(blank=True, help_text='Opaque; never compared, only sent back.', max_length=200)),
                ('since', models.DateTimeField(blank=True, null=True)),
                ('heard_at', models.DateTimeField(blank=True, null=True)),
                ('state', models.CharField(choices=[('starting', 'Starting'), ('listing', 'Listing'), ('watching', 'Watching'), ('waiting', 'Waiting to ask again'), ('denied', 'Denied'), ('not_installed', 'Not served by this cluster'), ('stopped', 'Stopped')], default='starting', max_length=16)),
                ('reason', models.TextField(blank=True)),
                ('remedy', models.TextField(blank=True)),
                ('leader', models.CharField(blank=True, max_length=200)),
                ('received', models.PositiveBigIntegerField(default=0)),
                ('stored', models.PositiveBigIntegerField(default=0)),
                ('dropped', models.PositiveBigIntegerField(default=0)),
                ('reconnects', models.PositiveBigIntegerField(default=0)),
                ('last_event_at', models.DateTimeField(blank=True, help_text='The newest time that the cluster told.', null=True)),
                ('lag_seconds', models.FloatField(blank=True, null=True)),
                ('per_minute', models.FloatField(default=0)),
                ('updated_at', models.DateTimeField(blank=True, null=True)),
                ('cluster', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recordings', to='telemetry.cluster')),
            ],
            options={
                'ordering': ['cluster', 'resource'],
                'constraints': [models.UniqueConstraint(fields=('cluster', 'resource'), name='one_recording_per_resource')],
            },
        ),
    ]
