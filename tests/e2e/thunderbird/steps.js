// What a user does in Thunderbird, each a function of `steps`: run in its main window, with the commands and windows behind its
// menus. tests/support/thunderbird.py calls them by name. Mailboxes are named by the account's address and a path.

const use = name => ChromeUtils.importESModule(`resource:///modules/${name}.sys.mjs`);
const { MailServices } = use("MailServices");
const { AccountConfig } = use("accountcreation/AccountConfig");
const { ConfigVerifier } = use("accountcreation/ConfigVerifier");
const { CreateInBackend } = use("accountcreation/CreateInBackend");

// Waits until `condition` gives something true, and gives that.
async function until(condition, what, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = condition();
    if (found) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`${what}: not after ${seconds} s`);
    }
    await new Promise(resolve => window.setTimeout(resolve, 30));
  }
}

const about3Pane = () => window.document.getElementById("tabmail").currentAbout3Pane;
const aboutMessage = () => window.document.getElementById("tabmail").currentAboutMessage;

function serverOf(email) {
  return MailServices.accounts.allServers.find(server => server.username == email);
}

function folderOf(email, path) {
  let folder = serverOf(email).rootFolder;
  for (const name of path.split("/")) {
    folder = folder?.subFolders.find(child => child.name == name);
  }
  return folder;
}

const untilFolder = (email, path) => until(() => folderOf(email, path), `folder ${path}`);

function rows() {
  const view = about3Pane().gDBView;
  return Array.from({ length: view?.rowCount ?? 0 }, (_, index) => view.getMsgHdrAt(index));
}

// A menu's command on the selected message. A command that is greyed out is an error here.
function command(name, ...args) {
  const controller = about3Pane().commandController;
  if (!controller.isCommandEnabled(name)) {
    throw new Error(`${name} is not enabled`);
  }
  controller.doCommand(name, ...args);
}

// Does `open`, which opens the window at `url`, and gives that window, loaded. `open` may block until it is closed.
function windowOpenedBy(open, url) {
  return new Promise((resolve, reject) => {
    const observer = {
      observe(opened, topic) {
        if (topic != "domwindowopened") {
          return;
        }
        opened.addEventListener("load", () => {
          if (opened.location.href == url) {
            window.Services.ww.unregisterNotification(observer);
            opened.setTimeout(() => resolve(opened));
          }
        }, { once: true });
      },
    };
    window.Services.ww.registerNotification(observer);
    // Not in this turn: the window may be modal, and then returns only when it is closed.
    window.setTimeout(() => {
      try {
        open();
      } catch (error) {
        reject(error);
      }
    });
  });
}

// Types a name into the dialog that `open` opens, and presses OK.
async function nameInDialog(open, url, name) {
  const dialog = await windowOpenedBy(open, url);
  const field = dialog.document.getElementById("name");
  field.value = name;
  field.dispatchEvent(new dialog.Event("input", { bubbles: true }));
  dialog.document.querySelector("dialog").getButton("accept").click();
}

const COMPOSE = "chrome://messenger/content/messengercompose/messengercompose.xhtml";

// The compose window that is open.
let compose;

async function openCompose(open) {
  compose = await windowOpenedBy(open, COMPOSE);
  await until(() => compose.gMsgCompose?.editor?.document.body.textContent.trim(), "the text in the editor");
}

globalThis.steps = {
  // Account set-up: tries the log-in, then makes the account. `incoming` and `outgoing`: type and port, and what else is chosen.
  async addAccount(email, password, incoming, outgoing) {
    const config = new AccountConfig();
    Object.assign(config.identity, { realname: email.split("@")[0], emailAddress: email });
    const common = {
      hostname: "127.0.0.1",
      username: email,
      password,
      socketType: Ci.nsMsgSocketType.SSL,
      auth: Ci.nsMsgAuthMethod.passwordCleartext,
    };
    Object.assign(config.incoming, common, incoming);
    Object.assign(config.outgoing, common, { type: "smtp" }, outgoing);
    config.rememberPassword = true;
    const verifier = new ConfigVerifier(window.msgWindow, new window.AbortController().signal);
    const verified = await verifier.verifyConfig(config, false);
    const account = await CreateInBackend.createAccountInBackend(verified);
    account.incomingServer.performExpand(window.msgWindow);
    return account.key;
  },

  // The same where the server's certificate is not to be trusted: the window that says so is closed, and set-up tells why it fails.
  async addAccountNotTrusted(...args) {
    let failed;
    const warning = await windowOpenedBy(() => {
      steps.addAccount(...args).then(() => (failed = "it was made"), error => (failed = error.message));
    }, "chrome://pippki/content/exceptionDialog.xhtml");
    warning.close();
    await until(() => failed, "the end of set-up");
    return { failed, accounts: MailServices.accounts.accounts.length };
  },

  // Names of all folders of an account, with their paths.
  folders(email) {
    const root = serverOf(email).rootFolder;
    return root.descendants.map(folder => folder.URI.slice(root.URI.length + 1)).sort();
  },

  // The path of the folder that serves a special use here: "SentMail", "Trash", "Drafts", "Junk", "Archive".
  special(email, use) {
    const root = serverOf(email).rootFolder;
    return root.getFolderWithFlags(Ci.nsMsgFolderFlags[use])?.URI.slice(root.URI.length + 1) ?? null;
  },

  // Selects a folder.
  async open(email, path) {
    const folder = await untilFolder(email, path);
    await until(() => {
      about3Pane()?.displayFolder(folder.URI);
      return about3Pane()?.gFolder?.URI == folder.URI && about3Pane().gDBView;
    }, `${path} is shown`);
  },

  // "Get Messages" for the account that is shown.
  getMessages(email, path) {
    window.MsgGetMessage([folderOf(email, path)]);
  },

  // What the list of messages shows.
  list() {
    return rows().map(message => ({
      subject: message.mime2DecodedSubject,
      read: message.isRead,
      flagged: message.isFlagged,
      replied: !!(message.flags & Ci.nsMsgMessageFlags.Replied),
      tags: message.getStringProperty("keywords").split(" ").filter(Boolean),
    }));
  },

  // Whether all messages of the list are kept for reading without a net.
  allKept: () => rows().every(message => message.folder.hasMsgOffline(message.messageKey)),

  // Clicks on a message; gives what is shown of it when it is there.
  async read(subject) {
    const index = rows().findIndex(message => message.mime2DecodedSubject == subject);
    if (index < 0) {
      throw new Error(`no message ${subject}`);
    }
    const message = rows()[index];
    about3Pane().threadTree.selectedIndex = index;
    const shown = await until(() => {
      const pane = aboutMessage();
      return pane?.gMessage?.messageKey == message.messageKey && pane.msgLoaded && pane;
    }, `${subject} is shown`);
    // Without the fields that are there for print only.
    const parts = shown.getMessagePaneBrowser().contentDocument.querySelectorAll(".moz-text-plain, .moz-text-flowed, .moz-text-html");
    return {
      subject: shown.document.getElementById("expandedsubjectBox").value.textContent,
      text: Array.from(parts, part => part.textContent).join("\n"),
      attachments: shown.currentAttachments.map(attachment => attachment.name),
    };
  },

  // The octets of the message that is shown, as "View Source" has them; a character each.
  source() {
    const uri = aboutMessage().gMessageURI;
    return new Promise((resolve, reject) => {
      const parts = [];
      const listener = {
        QueryInterface: ChromeUtils.generateQI(["nsIStreamListener", "nsIRequestObserver"]),
        onStartRequest() {},
        onDataAvailable(request, stream, offset, count) {
          const input = Cc["@mozilla.org/binaryinputstream;1"].createInstance(Ci.nsIBinaryInputStream);
          input.setInputStream(stream);
          parts.push(input.readBytes(count));
        },
        onStopRequest(request, status) {
          if (Components.isSuccessCode(status)) {
            resolve(parts.join(""));
          } else {
            reject(new Error(`source: ${status}`));
          }
        },
      };
      MailServices.messageServiceFromURI(uri).streamMessage(uri, listener, null, null, false, "");
    });
  },

  markRead: () => command("cmd_markAsRead"),
  markUnread: () => command("cmd_markAsUnread"),
  toggleStar: () => command("cmd_markAsFlagged"),
  toggleTag: number => command(`cmd_tag${number}`),
  // Without a way back. It is marked, and goes when the folder is compacted.
  deleteForGood: () => command("cmd_shiftDeleteMessage"),
  deleteMessage: () => command("cmd_deleteMessage"),
  copyTo: (email, path) => command("cmd_copyMessage", folderOf(email, path)),
  moveTo: (email, path) => command("cmd_moveMessage", folderOf(email, path)),

  // A folder below the folder at `path`, or below the account.
  newFolder(email, path, name) {
    const parent = path ? folderOf(email, path) : serverOf(email).rootFolder;
    return nameInDialog(() => about3Pane().folderPane.newFolder(parent), "chrome://messenger/content/newFolderDialog.xhtml", name);
  },

  compact: () => command("cmd_compactFolder"),

  deleteFolder(email, path) {
    about3Pane().folderPane.deleteFolder(folderOf(email, path));
  },

  renameFolder(email, path, name) {
    return nameInDialog(
      () => about3Pane().folderPane.renameFolder(folderOf(email, path)), "chrome://messenger/content/renameFolderDialog.xhtml", name);
  },

  // Opens a window with a message in plain text. `attachment`: a file of Thunderbird's, or null.
  async write(email, to, subject, text, attachment) {
    const account = MailServices.accounts.findAccountForServer(serverOf(email));
    const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
    Object.assign(fields, { to, subject, body: text });
    if (attachment) {
      const file = Cc["@mozilla.org/messengercompose/attachment;1"].createInstance(Ci.nsIMsgAttachment);
      file.url = `file://${attachment}`;
      fields.addAttachment(file);
    }
    const params = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
    Object.assign(params, {
      type: Ci.nsIMsgCompType.New,
      format: Ci.nsIMsgCompFormat.PlainText,
      identity: account.defaultIdentity,
      composeFields: fields,
    });
    await openCompose(() => MailServices.compose.OpenComposeWindowWithParams(null, params));
  },

  // Opens a window with the answer to the message that is shown, its text quoted.
  reply: () => openCompose(() => command("cmd_reply")),

  // Opens the draft that is shown.
  editDraft: () => openCompose(() => command("cmd_editDraftMsg")),

  // Gives the message in the compose window another subject.
  changeSubject(subject) {
    const field = compose.document.getElementById("msgSubject");
    field.value = subject;
    field.dispatchEvent(new compose.Event("input", { bubbles: true }));
  },

  async saveDraft() {
    const before = compose.gMsgCompose.compFields.draftId;
    compose.goDoCommand("cmd_saveAsDraft");
    await until(() => compose.gMsgCompose.compFields.draftId != before && !compose.gWindowLocked, "the draft's being saved");
  },

  async closeCompose() {
    compose.close();
    await until(() => compose.closed, "the end of the compose window");
  },

  // Presses Send, and waits until the window is closed, as it is when the message is sent and filed.
  async send() {
    await until(() => compose.defaultController.isCommandEnabled("cmd_sendNow"), "the Send button");
    compose.goDoCommand("cmd_sendNow");
    await until(() => compose.closed, "the end of sending", 60);
  },

  // Searches texts at the server; subjects of what it finds.
  search(email, path, words) {
    const session = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(Ci.nsIMsgSearchSession);
    session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, folderOf(email, path));
    const term = session.createTerm();
    term.attrib = Ci.nsMsgSearchAttrib.Body;
    term.op = Ci.nsMsgSearchOp.Contains;
    const value = term.value;
    value.attrib = term.attrib;
    value.str = words;
    term.value = value;
    session.appendTerm(term);
    return new Promise(resolve => {
      const found = [];
      session.registerListener({
        QueryInterface: ChromeUtils.generateQI(["nsIMsgSearchNotify"]),
        onNewSearch() {},
        onSearchHit: message => found.push(message.mime2DecodedSubject),
        onSearchDone: () => resolve(found.sort()),
      });
      session.search(null);
    });
  },

  // What the quota tab of a folder's properties shows.
  quota(email, path) {
    const folder = folderOf(email, path).QueryInterface(Ci.nsIMsgImapMailFolder);
    return folder.getQuota().map(quota => ({ name: quota.name, usage: Number(quota.usage), limit: Number(quota.limit) }));
  },
};
