*** Settings ***
Documentation       What goes wrong in a running image VM, with its real agent and its real sshd.
...                 What cannot be provoked in them is in tests/unit/test_agent.c.
Resource            image_vm.resource
Library             ../../libraries/ImageFaults.py
Library             ../../libraries/Stopwatch.py
Suite Setup         Set Up
Suite Teardown      Tear Down


*** Variables ***
# Sanitizers keep what was freed for a while.
${GROWTH MIB}    40
${AGENT}        /etc/init.d/qemu-guest-agent
# The sessions are cut too; each is a process of its own.
${NEW HOST KEY}
...             cp /tmp/hostkey /etc/ssh/ssh_host_ed25519_key && /etc/init.d/sshd restart &&
...             ps -o pid,args | while read -r pid args; do
...             case $args in "sshd: cisco"*) kill $pid ;; esac; done


*** Test Cases ***
An Agent That Restarts
    Guest Agent Command    ${VM}    guest-ping
    FOR    ${i}    IN RANGE    3
        Execute In VM    ${VM}    sudo    -n    ${AGENT}    restart
        ${result}=    Execute In VM    ${VM}    echo    back    via=agent
        Should Be Equal    ${result}[stdout]    back\n
    END

An Agent That Fell Silent
    [Documentation]    Fails in bounded time, says so, and is found again once it is back.
    Execute In VM    ${VM}    sudo    -n    ${AGENT}    stop
    Start The Stopwatch
    Run Keyword And Expect Error    *guest agent*not answer*
    ...    Execute In VM    ${VM}    true    via=agent    timeout=2 seconds
    ${seconds}=    Read The Stopwatch
    Should Be True    2 <= ${seconds} < 3.5
    Start The Stopwatch
    Run Keyword And Expect Error    *guest agent*not answer*
    ...    Guest Agent Command    ${VM}    guest-ping    timeout=1 second
    Run Keyword And Expect Error    *guest agent*not answer*
    ...    Get VM Interfaces    ${VM}    timeout=1 second
    ${seconds}=    Read The Stopwatch
    Should Be True    2 <= ${seconds} < 4
    ${result}=    Execute In VM    ${VM}    echo    by ssh
    Should Be Equal    ${result}[stdout]    by ssh\n
    Execute In VM    ${VM}    sudo    -n    ${AGENT}    start
    ${result}=    Execute In VM    ${VM}    echo    back    via=agent
    Should Be Equal    ${result}[stdout]    back\n

An Agent That Dies In The Middle
    [Documentation]    A command of it runs; the agent is killed and started again.
    Execute In VM    ${VM}    sudo    -n    sh    -c
    ...    (sleep 2; ${AGENT} restart) >/dev/null 2>&1 </dev/null &
    Start The Stopwatch
    Run Keyword And Expect Error    *sleep: the guest agent has restarted*may still run*
    ...    Execute In VM    ${VM}    sleep    60    via=agent    timeout=1 minute
    ${seconds}=    Read The Stopwatch
    Should Be True    ${seconds} < 15
    ${result}=    Execute In VM    ${VM}    echo    back    via=agent
    Should Be Equal    ${result}[stdout]    back\n

Garbage On The Agent's Line
    [Documentation]    Written into the guest's end of the serial port, between the agent's answers.
    Execute In VM    ${VM}    sudo    -n    sh    -c
    ...    for i in 1 2 3 4 5; do echo 'garbage {"return": {}} \\377'; dd if=/dev/urandom bs=100 count=1 2>/dev/null; echo; done > /dev/ttyS1
    FOR    ${i}    IN RANGE    3
        ${result}=    Execute In VM    ${VM}    echo    clean    via=agent
        Should Be Equal    ${result}[stdout]    clean\n
    END

A Command That Never Ends Is Killed There
    [Documentation]    With all that it started.
    FOR    ${via}    IN    ssh    agent
        Start The Stopwatch
        Run Keyword And Expect Error    *sh: timed out; it was killed there*
        ...    Execute In VM    ${VM}    sh    -c    sleep 4321 & sleep 4322 & wait    via=${via}
        ...    timeout=3 seconds
        ${seconds}=    Read The Stopwatch
        Should Be True    3 <= ${seconds} < 4    ${via}: ${seconds} s
        Wait Until Keyword Succeeds    10 seconds    200 ms    Is Not Running    sleep 432
    END

A Command That Prints 200 MB
    [Documentation]    Over SSH it ends with its output cut, or is killed in time; the server's
    ...    memory stays where it is.
    Execute In VM    ${VM}    true
    ${before}=    Resident MiB    %{VHOSTEL_PID}
    Run Keyword And Expect Error    *head*timed out*
    ...    Execute In VM    ${VM}    head    -c    200000000    /dev/zero    timeout=8 seconds
    ${result}=    Execute In VM    ${VM}    head    -c    5000000    /dev/zero    timeout=1 minute
    Length Should Be    ${result}[stdout]    ${{ 1024 * 1024 }}
    Should Be Equal As Integers    ${result}[rc]    0
    Memory Has Not Grown    ${before}
    Wait Until Keyword Succeeds    10 seconds    200 ms    Is Not Running    head -c 200000000

A Command That Prints 200 MB By Agent
    [Documentation]    What is cut off does not pass the serial port.
    ${before}=    Resident MiB    %{VHOSTEL_PID}
    Start The Stopwatch
    ${result}=    Execute In VM    ${VM}    head    -c    200000000    /dev/zero    via=agent
    ...    timeout=1 minute
    ${seconds}=    Read The Stopwatch
    Log    200 MB: cut by agent after ${seconds} s    console=True
    Length Should Be    ${result}[stdout]    ${{ 1024 * 1024 }}
    Should Be Equal As Integers    ${result}[rc]    0
    Memory Has Not Grown    ${before}

A Host Key That Changed While It Ran
    [Documentation]    The session is cut; the next one meets another key and is refused.
    ${fingerprint}=    Make Key    ${DIRECTORY}/hostkey
    Copy File To VM    ${VM}    ${DIRECTORY}/hostkey    /tmp/hostkey
    ${result}=    Execute In VM    ${VM}    sh    -c    ${NEW HOST KEY}    via=agent
    Should Be Equal As Integers    ${result}[rc]    0    ${result}[stderr]
    Wait Until Keyword Succeeds    20 seconds    200 ms    The Host Key Is Refused
    ${result}=    Execute In VM    ${VM}    echo    here    via=agent
    Should Be Equal    ${result}[stdout]    here\n

A Guest That Powers Off In The Middle Of A Copy
    Kill VM    ${VM}
    Start Image VM    ${VM}    memory=512
    Evaluate    open(r'${DIRECTORY}/big', 'wb').truncate(100000000)
    Execute In VM    ${VM}    sh    -c    (sleep 2; poweroff -f) >/dev/null 2>&1 </dev/null &
    ...    via=agent
    Start The Stopwatch
    Run Keyword And Expect Error    *VM '${VM}'*
    ...    Copy File To VM    ${VM}    ${DIRECTORY}/big    /tmp/big    timeout=1 minute
    ${seconds}=    Read The Stopwatch
    Log    Told after ${seconds} s    console=True
    Should Be True    ${seconds} < 15
    ${reason}=    Wait Until VM Stops    ${VM}    timeout=10 seconds
    Should Be Equal    ${reason}    guest-shutdown
    Run Keyword And Expect Error    *stopped*    Execute In VM    ${VM}    true
    Qemu Kill All
    @{pids}=    Processes With    %{VHOSTEL_RUN_DIR}/${VM}
    Should Be Empty    ${pids}


*** Keywords ***
Set Up
    Make A Directory
    Set Up VMs
    Start Image VM    ${VM}    memory=512

Tear Down
    Tear Down VMs
    Remove Directory    ${DIRECTORY}    recursive=True

Is Not Running
    [Arguments]    ${command}
    ${ps}=    Execute In VM    ${VM}    ps    -o    args
    Should Contain    ${ps}[stdout]    sshd
    Should Not Contain    ${ps}[stdout]    ${command}

Memory Has Not Grown
    [Arguments]    ${before}
    ${after}=    Resident MiB    %{VHOSTEL_PID}
    Log    The server had ${before} MiB before and ${after} after    console=True
    Should Be True    ${after} - ${before} < ${GROWTH MIB}

The Host Key Is Refused
    [Documentation]    The new sshd may not listen yet.
    Run Keyword And Expect Error    *host key*    Execute In VM    ${VM}    true    via=ssh
    ...    timeout=5 seconds
