// Everything that every page may need. Each module listens on the document, so that what htmx swaps in works too.
import "./requests.js";
import "./theme.js";
import "./zone.js";
import "./keys.js";
import "./menu.js";
import "./dropdown.js";
import "./tabs.js";
import "./copy.js";
import "./dialogs.js";
import "./dirty.js";
import "./filters.js";
import "./toasts.js";
import "./readings.js";
import "./agenda.js";
import "./comments.js";
import "./comment-marks.js";
import "./contents.js";
