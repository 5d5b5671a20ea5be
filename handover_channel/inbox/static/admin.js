// The pages for admins work without this: it writes the times of the browser's place.

import { localTimes } from "./times.js";

localTimes(document);
