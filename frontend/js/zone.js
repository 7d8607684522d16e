// The reader's own time zone, for the server's next page.
import { recall, remember } from "./cookie.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && recall("tz") !== zone) remember("tz", zone);
