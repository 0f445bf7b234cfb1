*** Settings ***
Documentation       Many VMs at a time: how much sooner side by side, how much each costs the server.
Resource            nf_chains.resource
Library             ../../libraries/Leftovers.py
Library             DateTime

Suite Setup         Set Up Chains
Suite Teardown      Tear Down Chains


*** Variables ***
# Of the time one after another, that side by side may take on two idle cores.
${MAX_RATIO}        ${0.75}
${MAX_START}        ${8}
${MAX_KILL}         ${1}


*** Test Cases ***
Fifty Paused VMs
    [Documentation]    Planned, started, pinned, listed and killed; threads of the server do not
    ...    grow with them. The times hold on an idle machine, so they are told, not judged, unless
    ...    JUDGE_TIMES is set.
    ${plan}=    Plan NF Chains    25    2    vnf=none    memory=256    cpus_per_nf=1
    ...    pinning=shared
    Should Be Equal As Integers    ${plan}[totals][vms]    50
    # The first start loads what every later one uses.
    Start Paused    1    1
    Stop NF Chains
    ${before}=    Get Server Usage
    ${began}=    Get Current Date    result_format=epoch
    ${vms}=    Start Paused    25    2
    ${started}=    Get Current Date    result_format=epoch
    ${during}=    Get Server Usage
    Length Should Be    ${vms}    50
    ${list}=    List NF Chains
    Length Should Be    ${list}    50
    FOR    ${vm}    IN    @{list}
        Should Be Equal    ${vm}[state]    paused
        Length Should Be    ${vm}[host_cpus]    1
    END
    FOR    ${vm}    IN    @{vms}
        ${cpu}=    Evaluate    (${vm}[qemu_id] + 1) % os.cpu_count()    os
        Set VM CPU Affinity    ${vm}[name]    ${cpu}
    END
    ${killing}=    Get Current Date    result_format=epoch
    ${killed}=    Stop NF Chains
    ${end}=    Get Current Date    result_format=epoch
    Length Should Be    ${killed}    50
    Nothing Should Be Left
    # One thread more or less is that of the connection before.
    Should Be True    abs($during['threads'] - $before['threads']) <= 1
    ${per_vm}=    Evaluate    ($during['memory'] - $before['memory']) / 50
    ${start}=    Evaluate    ${started} - ${began}
    ${kill}=    Evaluate    ${end} - ${killing}
    Log    50 paused VMs: started in ${{ round(${start}, 2) }} s, killed in ${{ round(${kill}, 2) }} s, ${per_vm} KiB of the server each    console=True
    Should Be True    ${per_vm} < 100
    Judge    ${start} < ${MAX_START}
    Judge    ${kill} < ${MAX_KILL}

Four VMs Side By Side
    ${single}=    Time Of Start    1
    ${several}=    Time Of Start    auto
    ${ratio}=    Evaluate    round(${several} / ${single}, 2)
    Log    4 VMs: ${single} s one after another, ${several} s side by side: ratio ${ratio}
    ...    console=True
    Judge    ${ratio} <= ${MAX_RATIO}


*** Keywords ***
Start Paused
    [Arguments]    ${chains}    ${nodes}
    ${vms}=    Start NF Chains    ${chains}    ${nodes}    vnf=none    memory=256    cpus_per_nf=1
    ...    pinning=shared    interfaces=False    paused=True
    RETURN    ${vms}

Time Of Start
    [Arguments]    ${parallel}
    ${began}=    Get Current Date    result_format=epoch
    Start NF Chains    2    2    vnf=none    interfaces=False    cpus_per_nf=1    parallel=${parallel}
    ${end}=    Get Current Date    result_format=epoch
    Stop NF Chains
    ${seconds}=    Evaluate    round(${end} - ${began}, 1)
    RETURN    ${seconds}

Judge
    [Documentation]    A time limit: a failure with JUDGE_TIMES in the environment, else a line.
    [Arguments]    ${condition}
    ${holds}=    Evaluate    ${condition}
    IF    not ${holds}
        Log    Not within its limit on this machine now: ${condition}    console=True
        Should Be Empty    %{JUDGE_TIMES=}    Not within its limit: ${condition}
    END
