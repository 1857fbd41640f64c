/* A page as people wrote them for CWIC 3.0.4: old JavaScript, handlers bound after init, and
   everything it needs to know taken from callbacks and events. `story` is for the test. */
/* global $ */

var story = [];

function tell(line) {
  story.push(line);
  $(document).trigger("told");
}

function say(text) {
  $("#message").text(text);
}

$(document).ready(function () {
  $("#phone").cwic("init", {
    ready: phoneReady,
    error: phoneUnusable,
    log: function (message) {
      story.log = (story.log || []).concat(message);
    },
  });
  $("#phone").bind("system.cwic", systemEvent);
  $("#phone").bind("conversationIncoming.cwic", incoming);
  $("#conversations").bind("conversationStart.cwic", started);
  $("#conversations").bind("conversationUpdate.cwic", updated);
  $(document).bind("conversationEnd.cwic", ended);
  $(document).bind("error.cwic", errorEvent);
});

function phoneReady(defaults, registered, mode) {
  tell("ready " + JSON.stringify(defaults) + " " + registered + " " + mode);
  var about = $("#phone").cwic("about");
  if (!about.capabilities.multireg)
    say("This plug-in knows no graceful registration.");
  $("#in").attr("disabled", registered).click(logIn);
  $("#out").click(logOut);
  $("#switch").click(switchDevice);
  $("#call").click(call);
  if (registered) showReady();
}

function phoneUnusable(error) {
  say("Cannot use the phone: " + error.message + " (code " + error.code + ")");
}

function logIn() {
  $("#in").attr("disabled", true);
  $("#phone").cwic("registerPhone", {
    user: $("#user").val(),
    password: $("#password").val(),
    cucm: $("#cucm").val().split(","),
    mode: $("#mode").val(),
    forceRegistration: $("#force").is(":checked"),
    devicesAvailable: offerDevices,
    success: function (registration) {
      tell("success " + registration.device.name + " " + registration.mode);
      $("#phone").data("registration", registration);
    },
    error: loginFailed,
  });
}

function offerDevices(devices, phoneMode, callback) {
  $("#devices").empty();
  $.each(devices, function (i, device) {
    if (phoneMode === "SoftPhone" && device.isSoftPhone) {
      $("<option>").val(device.name).text(device.name).appendTo("#devices");
    }
  });
  $("#connect")
    .unbind("click")
    .bind("click", function () {
      $(this).attr("disabled", true);
      callback(phoneMode, $("#devices").val(), "");
    })
    .removeAttr("disabled");
  tell("devices " + $("#devices").val());
}

function loginFailed(error) {
  tell("failed " + error.code + " " + error.message + " " + error.details[0]);
  $("#message").html(
    "Unable to log in: " + error.message + " " + error.details.join(", "),
  );
  $("#phone").cwic("unregisterPhone", { forceLogout: true });
  showIdle();
}

function logOut() {
  $("#out").attr("disabled", true);
  $("#phone").cwic("unregisterPhone", {
    forceLogout: true,
    complete: function () {
      tell("complete");
      showIdle();
    },
  });
}

function switchDevice() {
  $("#switch").cwic("switchPhoneMode", {
    mode: "SoftPhone",
    device: "CSFOTHER",
    progress: function () {
      tell("progress");
    },
    success: function (registration) {
      tell("switched " + registration.device.name);
    },
    error: loginFailed,
  });
}

function call() {
  $("#conversation").cwic("startConversation", {
    participant: { recipient: $("#number").val() },
    container: $("<div>").appendTo("#conversations"),
    error: function (error) {
      tell("no call " + error.code + " " + error.details[0]);
    },
  });
}

function incoming(event, conversation, container) {
  tell("incoming " + conversation.state + " " + conversation.participant.name);
  container.appendTo("#conversations");
  buttons(container);
}

function started(event, conversation, container) {
  tell("started " + conversation.state + " " + conversation.callType);
  buttons(container);
  show(conversation, container);
}

function updated(event, conversation, container) {
  tell("updated " + conversation.state);
  show(conversation, container);
}

function ended(event, conversation) {
  tell("ended " + conversation.state + " " + conversation.exists);
}

function show(conversation, container) {
  container.find(".state").text(conversation.state);
}

/* Buttons know their call by the container that they are in. */
function buttons(container) {
  container.html(
    "<b class='state'></b><button class='answer'>Answer</button>" +
      "<button class='hold'>Hold</button><button class='resume'>Resume</button>" +
      "<button class='mute'>Mute</button><button class='end'>End</button>",
  );
  container.find(".answer").click(function () {
    container.cwic("startConversation");
  });
  container.find(".hold, .resume, .mute").click(function () {
    container.cwic("updateConversation", $(this).attr("class"));
  });
  container.find(".end").click(function () {
    container.cwic("endConversation");
  });
}

function systemEvent(event) {
  tell("system " + event.phone.status + " " + event.phone.ready);
  if (event.phone.status === "eReady") showReady();
  else if (event.phone.status === "eIdle") showIdle();
  else if (event.phone.status === "eRecoveryPending")
    say("The server cannot be reached...");
  else if (event.phone.status === "eConnectionTerminated") {
    say("Logged in elsewhere - disconnecting...");
    logOut();
  }
}

function errorEvent(event) {
  tell("error " + event.code + " " + event.message + " " + event.details[0]);
  $("#message").html(event.message + "<br>" + event.details.join("<br>"));
}

function showReady() {
  say("");
  $("#in").attr("disabled", true);
  $("#out, #switch, #call").attr("disabled", false);
}

function showIdle() {
  $("#in").attr("disabled", false);
  $("#out, #switch, #call, #connect").attr("disabled", true);
}
