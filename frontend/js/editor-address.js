// The address of the incident that is written about, such as /incidents/42/.
export const incidentAddress = (form) => form.dataset.previewUrl.replace(/postmortem\/preview\/$/, "");
