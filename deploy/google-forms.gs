/**
 * Sends every response of a Google Form to Dealbell, signed like a form of
 * your own website. Dealbell's vendor google-forms reads it.
 *
 * 1. In the form: ⋮ > Apps Script. Paste this file and save it.
 * 2. Project settings > Script properties: DEALBELL_URL, the address that this
 *    form has at your Dealbell, and FORM_SECRET.
 * 3. Choose the function setUp and run it once; Google asks for permission.
 *
 * A response that Dealbell could not take is sent again every hour until it
 * is taken, always under the id of the response, so it is never counted twice.
 */

const PAUSES = [2, 8, 30, 60, 60]; // seconds between attempts; a trigger may run for six minutes
const LONGEST_PAUSE = 60;
const UNSENT = 'unsent ';
const HOPELESS = [400, 413, 415, 422]; // about the response itself: it would be refused again

/** Installs the triggers. Running it again changes nothing. */
function setUp() {
  setting('DEALBELL_URL');
  setting('FORM_SECRET');
  const present = ScriptApp.getProjectTriggers().map((trigger) => trigger.getHandlerFunction());
  if (!present.includes('onFormSubmit')) {
    ScriptApp.newTrigger('onFormSubmit').forForm(FormApp.getActiveForm()).onFormSubmit().create();
  }
  if (!present.includes('sendUnsent')) {
    ScriptApp.newTrigger('sendUnsent').timeBased().everyHours(1).create();
  }
}

/** Sends a response. Google mails the owner when it throws. */
function onFormSubmit(event) {
  const response = event.response;
  const failure = send(event.source.getTitle(), response, PAUSES);
  if (failure && !failure.hopeless) {
    PropertiesService.getScriptProperties().setProperty(UNSENT + response.getId(), failure.message);
  }
  if (failure) throw new Error(failure.message);
}

/** Sends what could not be sent before. */
function sendUnsent() {
  const properties = PropertiesService.getScriptProperties();
  const form = FormApp.getActiveForm();
  for (const key of properties.getKeys().filter((name) => name.startsWith(UNSENT))) {
    const response = form.getResponse(key.slice(UNSENT.length));
    const failure = response ? send(form.getTitle(), response, []) : null;
    if (failure && !failure.hopeless) throw new Error(failure.message); // the others would fail as well
    properties.deleteProperty(key);
    if (failure) console.error(failure.message);
  }
}

/** Posts a response until it is taken; returns what went wrong at last, or null. */
function send(title, response, pauses) {
  const body = JSON.stringify(content(title, response));
  for (let attempt = 0; ; attempt++) {
    const result = post(body, response.getId());
    if (result.taken) return null;
    if (!result.again || attempt === pauses.length) {
      return { message: 'Dealbell did not take response ' + response.getId() + ': ' + result.why, hopeless: result.hopeless };
    }
    Utilities.sleep(1000 * Math.min(Math.max(pauses[attempt], result.wait), LONGEST_PAUSE));
  }
}

/** Makes one attempt, signed with the time at which it is made. */
function post(body, id) {
  const timestamp = String(Math.floor(Date.now() / 1000));
  let answer;
  try {
    answer = UrlFetchApp.fetch(setting('DEALBELL_URL'), {
      method: 'post',
      contentType: 'application/json',
      payload: body,
      headers: {
        'X-Form-Timestamp': timestamp,
        'X-Form-Signature': signature(timestamp + '.' + body),
        'Idempotency-Key': id,
      },
      followRedirects: false,
      muteHttpExceptions: true,
    });
  } catch (error) {
    return { again: true, wait: 0, why: String(error) };
  }
  const status = answer.getResponseCode();
  return {
    taken: status >= 200 && status < 300,
    again: status === 429 || status >= 500,
    hopeless: HOPELESS.includes(status),
    wait: retryAfter(answer.getHeaders()),
    why: status + ' ' + answer.getContentText().slice(0, 300),
  };
}

/** The seconds that the server asks to wait. */
function retryAfter(headers) {
  const name = Object.keys(headers).find((header) => header.toLowerCase() === 'retry-after');
  return Number(headers[name]) || 0;
}

/** HMAC-SHA256 in hex. Apps Script's bytes are signed: -1 is ff. */
function signature(text) {
  const bytes = Utilities.computeHmacSha256Signature(text, setting('FORM_SECRET'), Utilities.Charset.UTF_8);
  return bytes.map((byte) => (byte & 0xff).toString(16).padStart(2, '0')).join('');
}

/** What Dealbell reads. The same response makes the same bytes. */
function content(title, response) {
  return {
    form: title,
    submitted_at: response.getTimestamp().toISOString(),
    email: response.getRespondentEmail() || '', // where the form collects addresses
    response_id: response.getId(),
    fields: response.getItemResponses().map((answer) => ({
      id: answer.getItem().getId(),
      title: answer.getItem().getTitle(),
      value: answerOf(answer.getItem(), answer.getResponse()),
    })),
  };
}

/** Gives the answers of a grid their rows, and files an address. */
function answerOf(item, value) {
  switch (item.getType()) {
    case FormApp.ItemType.GRID:
      return byRow(item.asGridItem().getRows(), value);
    case FormApp.ItemType.CHECKBOX_GRID:
      return byRow(item.asCheckboxGridItem().getRows(), value);
    case FormApp.ItemType.FILE_UPLOAD:
      return value.map((id) => 'https://drive.google.com/open?id=' + id);
    default:
      return value;
  }
}

function byRow(rows, values) {
  return Object.fromEntries(rows.map((row, i) => [row, values[i]]));
}

function setting(name) {
  const value = PropertiesService.getScriptProperties().getProperty(name);
  if (!value) throw new Error('The script property ' + name + ' is not set: Project settings > Script properties.');
  return value.trim();
}
