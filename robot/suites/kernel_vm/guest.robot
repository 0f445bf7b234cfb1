*** Settings ***
Documentation       Programs and the agent in the guest.
Resource            acceptance.resource

Suite Setup         Set Up Guest
Suite Teardown      Tear Down Suite With Sockets


*** Variables ***
${VM}       guest


*** Test Cases ***
A Program's Outcome Comes Back In Its Three Parts
    ${result}=    Execute In VM    ${VM}    sh    -c    echo out; echo err >&2; exit 3
    Should Be Equal    ${result}    ${{{'rc': 3, 'stdout': 'out\n', 'stderr': 'err\n'}}}

Arguments Arrive As They Are
    ${result}=    Execute In VM    ${VM}    printf    %s|    two words    ${EMPTY}    *    $HOME; \`id\`    "'
    ...    ünï 😀    --flag=x
    Should Be Equal    ${result}[stdout]    two words||*|$HOME; \`id\`|"'|ünï 😀|--flag=x|

Standard Input Is Given
    ${result}=    Execute In VM    ${VM}    cat    stdin=line one\nzwölf 😀\n
    Should Be Equal    ${result}[stdout]    line one\nzwölf 😀\n
    ${result}=    Execute In VM    ${VM}    cat
    Should Be Equal    ${result}[stdout]    ${EMPTY}

Bytes That Are No Text Do Not Break The Answer
    ${result}=    Execute In VM    ${VM}    printf    a\\000b\\377c
    Should Contain    ${result}[stdout]    a
    Should Contain    ${result}[stdout]    c

A Signal Shows As A Negative Code
    ${result}=    Execute In VM    ${VM}    sh    -c    kill -TERM $$
    Should Be Equal    ${result}[rc]    ${-15}

A Missing Program Fails At Once
    ${error}=    Should Fail At Once    *    Execute In VM    ${VM}    no-such-program
    Should Contain    ${error}    no-such-program
    Should Contain    ${error}    VM '${VM}'

A Program That Outlives The Timeout Is Killed In The Guest
    ${began}=    Evaluate    time.monotonic()
    ${error}=    Run Keyword And Expect Error    *    Execute In VM    ${VM}    sleep    4321    timeout=500 ms
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be True    ${seconds} < 1.5
    Should Contain    ${error}    sleep
    Should Contain    ${error}    timed out
    Wait Until Keyword Succeeds    5 s    50 ms    Nothing Runs    sleep 4321

What It Started Is Killed With It
    ${began}=    Evaluate    time.monotonic()
    ${error}=    Run Keyword And Expect Error    *    Execute In VM    ${VM}    sh    -c
    ...    sleep 4321 & sleep 4322 & wait    timeout=1 s
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be True    ${seconds} < 2
    Should Contain    ${error}    it was killed there
    Nothing Runs    sleep 432[12]

Commands Run Side By Side
    ${slow}=    Begin Call    Execute In VM    ${VM}    sleep    3
    ${began}=    Evaluate    time.monotonic()
    Execute In VM    ${VM}    true
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be True    ${seconds} < 2
    ${result}=    Finish Call    ${slow}
    Should Be Equal    ${result}[rc]    ${0}

Much Output Comes Whole
    ${result}=    Execute In VM    ${VM}    seq    20000    timeout=60 s
    ${lines}=    Split To Lines    ${result}[stdout]
    Length Should Be    ${lines}    20000
    Should Be Equal    ${lines}[-1]    20000

Output Beyond The Limit Is Cut With A Warning
    ${before}=    Get Constant    limit.output_kib
    Set Constant    limit.output_kib    4
    ${answer}=    Get Call Output    Execute In VM    ${VM}    seq    2000
    Set Constant    limit.output_kib    ${before}
    Should Be Equal    ${answer}[status]    PASS
    Length Should Be    ${answer}[return][stdout]    4096
    Should Match Regexp    ${answer}[output]    (?m)^[*]WARN.*limit.output_kib

200 MB Of Output Do Not Pass The Agent
    [Documentation]    What is over the limit is dropped in the guest.
    ${began}=    Evaluate    time.monotonic()
    ${answer}=    Get Call Output    Execute In VM    ${VM}    head    -c    200000000    /dev/zero    timeout=60 s
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Log    200 MB: cut after ${seconds} s
    Should Be Equal    ${answer}[status]    PASS
    Length Should Be    ${answer}[return][stdout]    ${{1024 * 1024}}
    Should Be Equal    ${answer}[return][rc]    ${0}
    Should Match Regexp    ${answer}[output]    (?m)^[*]WARN.*limit.output_kib

The Root Of The Guest Is The Host's And Read-Only
    ${result}=    Execute In VM    ${VM}    touch    /root/written-by-the-guest
    Should Be Equal    ${{$result['rc'] != 0}}    ${True}
    Should Contain    ${result}[stderr]    Read-only
    File Should Not Exist    /root/written-by-the-guest
    ${result}=    Execute In VM    ${VM}    cat    /etc/os-release
    ${host}=    Get File    /etc/os-release
    Should Be Equal    ${result}[stdout]    ${host}

A File Goes There And Back
    [Documentation]    With its permissions; the server compares checksums, and so do we.
    Evaluate    open(r'${SOCKETS}/there', 'wb').write(b'\#!/bin/sh\\necho runs\\nexit\\n' + os.urandom(300000))    os
    Evaluate    os.chmod(r'${SOCKETS}/there', 0o751)    os
    ${answer}=    Get Call Output    Copy File To VM    ${VM}    ${SOCKETS}/there    /tmp/it's there
    Should Be Equal    ${answer}[status]    PASS
    ${digest}=    Evaluate    hashlib.sha256(open(r'${SOCKETS}/there', 'rb').read()).hexdigest()    hashlib
    Should Contain    ${answer}[output]    ${digest}
    Should Not Contain    ${answer}[output]    *WARN*
    ${result}=    Execute In VM    ${VM}    /tmp/it's there
    Should Be Equal    ${result}[stdout]    runs\n
    ${result}=    Execute In VM    ${VM}    sha256sum    /tmp/it's there
    Should Start With    ${result}[stdout]    ${digest}
    Copy File From VM    ${VM}    /tmp/it's there    ${SOCKETS}/back
    ${back}=    Evaluate    hashlib.sha256(open(r'${SOCKETS}/back', 'rb').read()).hexdigest()    hashlib
    Should Be Equal    ${back}    ${digest}
    ${mode}=    Evaluate    oct(os.stat(r'${SOCKETS}/back').st_mode & 0o7777)    os
    Should Be Equal    ${mode}    0o751
    Should Be Empty    ${{ glob.glob(r'${SOCKETS}/*.part') }}

What Cannot Be Copied Leaves Nothing
    Should Fail At Once    *${SOCKETS}/none*    Copy File To VM    ${VM}    ${SOCKETS}/none    /tmp/none
    Should Fail At Once    *Read-only*    Copy File To VM    ${VM}    ${SOCKETS}/there    /root/none
    Should Fail At Once    */tmp in the guest is a directory*    Copy File To VM    ${VM}    ${SOCKETS}/there    /tmp
    Should Fail At Once    */tmp/none*    Copy File From VM    ${VM}    /tmp/none    ${SOCKETS}/none
    File Should Not Exist    ${SOCKETS}/none

A Copy That Takes Too Long Leaves Nothing
    Evaluate    open(r'${SOCKETS}/big', 'wb').truncate(50000000)
    ${began}=    Evaluate    time.monotonic()
    ${error}=    Run Keyword And Expect Error    *after * bytes*in time*    Copy File To VM    ${VM}    ${SOCKETS}/big
    ...    /tmp/big    timeout=2 s
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be True    2 <= ${seconds} < 3
    Should Not Contain    ${error}    was left
    ${result}=    Execute In VM    ${VM}    sh    -c    ls /tmp/big*
    Should Be Empty    ${result}[stdout]

The Way In Can Be Chosen
    ${result}=    Execute In VM    ${VM}    true    via=agent
    Should Be Equal    ${result}[rc]    ${0}
    Should Fail At Once    *argument 'via'*    Execute In VM    ${VM}    true    via=ssh
    Should Fail At Once    *argument 'via'*'telnet'*    Call Server    Execute In VM    ${VM}    true    via=telnet

The Agent Answers Commands
    ${info}=    Guest Agent Command    ${VM}    guest-info
    Should Match Regexp    ${info}[version]    ^[0-9]+[.]
    ${handle}=    Guest Agent Command    ${VM}    guest-file-open    path=/proc/version    mode=r
    ${read}=    Guest Agent Command    ${VM}    guest-file-read    handle=${handle}
    Should Contain    ${{base64.b64decode($read['buf-b64']).decode()}}    Linux version
    Guest Agent Command    ${VM}    guest-file-close    handle=${handle}

An Error Of The Agent Fails With Its Words
    Should Fail At Once    *CommandNotFound*guest-nothing*    Guest Agent Command    ${VM}    guest-nothing
    Should Fail At Once    *No such file*    Guest Agent Command    ${VM}    guest-file-open    path=/nowhere

Interfaces Are Those Of The Guest
    ${interfaces}=    Get VM Interfaces    ${VM}
    Should Contain    ${{[i['name'] for i in $interfaces]}}    lo

The End Of The VM Ends A Command
    ${call}=    Begin Call    Execute In VM    ${VM}    sleep    60
    ${info}=    Get VM Info    ${VM}
    Signal Process    ${info}[pid]    SIGKILL
    Run Keyword And Expect Error    *VM '${VM}'*    Finish Call    ${call}    timeout=5
    [Teardown]    Kill All And Check


*** Keywords ***
Set Up Guest
    Set Up Suite With Sockets
    Start Kernel VM    ${VM}

Nothing Runs
    [Arguments]    ${command}
    ${result}=    Execute In VM    ${VM}    pgrep    -fx    ${command}
    Should Be Equal    ${result}[rc]    ${1}    ${result}[stdout]
