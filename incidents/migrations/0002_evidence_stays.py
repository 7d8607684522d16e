"""Frozen evidence cannot be rewritten, by anybody."""

from django.db import migrations

FREEZE = """
CREATE FUNCTION incidents_evidence_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.frozen_at IS NOT NULL AND (
       NEW.payload IS DISTINCT FROM OLD.payload OR NEW.sha256 IS DISTINCT FROM OLD.sha256
    OR NEW.first_at IS DISTINCT FROM OLD.first_at OR NEW.last_at IS DISTINCT FROM OLD.last_at
    OR NEW.count IS DISTINCT FROM OLD.count OR NEW.title IS DISTINCT FROM OLD.title
    OR NEW.number IS DISTINCT FROM OLD.number OR NEW.frozen_at IS DISTINCT FROM OLD.frozen_at) THEN
    RAISE EXCEPTION 'evidence E-% is frozen', OLD.number USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER evidence_stays BEFORE UPDATE ON incidents_evidence
  FOR EACH ROW EXECUTE FUNCTION incidents_evidence_stays();
"""
THAW = """
DROP TRIGGER evidence_stays ON incidents_evidence;
DROP FUNCTION incidents_evidence_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("incidents", "0001_initial")]
    operations = [migrations.RunSQL(FREEZE, THAW)]
