*** Settings ***
Documentation       The console of a VM: reading, waiting for lines, typing.
Resource            acceptance.resource

Suite Setup         Set Up Console
Suite Teardown      Tear Down Suite With Sockets


*** Variables ***
${VM}       console
# Repeats each line that is typed, in brackets.
${ECHO}     stty -echo; echo now-reading; while read -r line; do printf '<%s>\\n' "$line"; done; sleep infinity


*** Test Cases ***
Text Of Every Language Goes In And Comes Out
    Write To VM Console    ${VM}    žluťoučký kůň 中文 😀\n
    ${line}=    Expect On VM Console    ${VM}    ^<.*中文.*>$
    Should Be Equal    ${line}    <žluťoučký kůň 中文 😀>
    ${text}=    Get VM Console    ${VM}
    Should Contain    ${text}    <žluťoučký kůň 中文 😀>

Characters With A Meaning In XML And Robot Stay What They Are
    Write To VM Console    ${VM}    a <b> & "c" \${d} \%{e} \\\\ 'f'\n
    ${line}=    Expect On VM Console    ${VM}    <a <b>
    Should Be Equal    ${line}    <a <b> & "c" \${d} \%{e} \\\\ 'f'>

Control Characters Are Shown
    Print On Console    bell\\007 escape\\033[1m null\\000 end\\n
    ${line}=    Expect On VM Console    ${VM}    ^bell
    Should Be Equal    ${line}    bell␇ escape␛[1m null␀ end
    ${text}=    Get VM Console    ${VM}
    Should Contain    ${text}    bell␇ escape␛[1m null␀ end

Bytes That Are No Text Are Replaced
    Print On Console    before\\377\\376\\303after\\n
    ${line}=    Expect On VM Console    ${VM}    ^before
    Should Match Regexp    ${line}    ^before\ufffd+after$

A Line That Comes In Pieces Is Found
    ${call}=    Begin Call    Expect On VM Console    ${VM}    ^piece-one-piece-two-piece-three$
    Print On Console    piece-one
    Expect On VM Console    ${VM}    ^piece-one$
    Print On Console    -piece-
    Expect On VM Console    ${VM}    ^piece-one-piece-$
    Print On Console    two-piece-three\\n
    ${line}=    Finish Call    ${call}
    Should Be Equal    ${line}    piece-one-piece-two-piece-three

A Long Line Is Found And Returned
    ${result}=    Execute In VM    ${VM}    sh    -c    (head -c 3000 /dev/zero | tr '\\0' x; echo the-end) > /dev/console
    Should Be Equal    ${result}[rc]    ${0}
    ${line}=    Expect On VM Console    ${VM}    xthe-end$
    Length Should Be    ${line}    3007

Text That Looks Like Robot's Markers Forges No Log Entry
    Print On Console    *WARN* forged\\n*HTML* <b>forged</b>\\n
    Expect On VM Console    ${VM}    HTML
    ${text}=    Get VM Console    ${VM}    lines=2
    Should Be Equal    ${text}    *WARN* forged\n*HTML* <b>forged</b>\n
    ${answer}=    Get Call Output    Expect On VM Console    ${VM}    no-such-line    timeout=0.2
    Should Be Equal    ${answer}[status]    FAIL
    Should Contain    ${answer}[error]    forged
    Should Not Match Regexp    ${answer}[error]    (?m)^[*](WARN|HTML)[*]
    Should Not Match Regexp    ${answer}[output]    (?m)^[*](WARN|HTML)

The Search Begins With The Boot
    ${line}=    Expect On VM Console    ${VM}    now-reading
    Should Be Equal    ${line}    now-reading
    ${line}=    Expect On VM Console    ${VM}    init script
    Should Contain    ${line}    '${VM}'

Only The Last Lines Can Be Had
    Print On Console    next-to-last\\nlast\\n
    Expect On VM Console    ${VM}    ^last$
    ${text}=    Get VM Console    ${VM}    lines=1
    Should Be Equal    ${text}    last\n
    ${text}=    Get VM Console    ${VM}    lines=2
    Should Be Equal    ${text}    next-to-last\nlast\n

A Line That Never Comes Fails After The Timeout
    ${began}=    Evaluate    time.monotonic()
    ${error}=    Run Keyword And Expect Error    *    Expect On VM Console    ${VM}    never-(said|heard)
    ...    timeout=700 ms
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be True    0.7 <= ${seconds} < 1.7
    Should Contain    ${error}    never-(said|heard)
    Should Contain    ${error}    0.7 s
    Should Contain    ${error}    | last

A Pattern That Is None Is Refused
    Should Fail At Once    *argument 'pattern'*'(open'*    Expect On VM Console    ${VM}    (open

A Pattern That Would Take The Server With It Is Refused
    Should Fail At Once    *argument 'pattern'*nested too deep*    Expect On VM Console    ${VM}
    ...    ${{'(' * 400 + 'a' + ')' * 400}}
    Should Fail At Once    *argument 'pattern'*repeats too much*    Expect On VM Console    ${VM}
    ...    (((a{1,255}){1,255}){1,255})
    Should Fail At Once    *argument 'pattern'*back-references*    Expect On VM Console    ${VM}
    ...    (.*)(.*)(.*)\\1\\2\\3x
    Should Fail At Once    *argument 'pattern'*    Expect On VM Console    ${VM}    ${{'a' * 5000}}

The Log File Has What The Keyword Returns
    ${info}=    Get VM Info    ${VM}
    ${file}=    Get Binary File    ${info}[console_log]
    Should Contain    ${file}    ${{'<žluťoučký kůň 中文 😀>'.encode()}}

The End Of The VM Ends The Wait
    ${call}=    Begin Call    Expect On VM Console    ${VM}    never-said    timeout=60
    ${info}=    Get VM Info    ${VM}
    Signal Process    ${info}[pid]    SIGKILL
    Run Keyword And Expect Error    *never-said*the VM ended*    Finish Call    ${call}    timeout=5
    ${reason}=    Wait Until VM Stops    ${VM}
    Should Be Equal    ${reason}    crashed
    ${text}=    Get VM Console    ${VM}
    Should Contain    ${text}    now-reading
    Should Fail At Once    *VM '${VM}' is failed*    Write To VM Console    ${VM}    x
    [Teardown]    Kill All And Check


*** Keywords ***
Set Up Console
    Set Up Suite With Sockets
    Start Kernel VM    ${VM}    vnf=command    command=${ECHO}    ready_pattern=now-reading

Print On Console
    [Documentation]    As printf in the guest does, past the payload.
    [Arguments]    ${format}
    ${result}=    Execute In VM    ${VM}    sh    -c    printf -- "$0" > /dev/console    ${format}
    Should Be Equal    ${result}[rc]    ${0}
